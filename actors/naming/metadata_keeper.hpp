#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "actors/actor_base.hpp"

namespace nacre {

/// State of the METADATA KEEPER: the door to the STORE. What is asked for it checks by what readers
/// see and by the bounds of this node, and has the STORE agree on it. What was agreed on it writes
/// into the METADATA STORE, and tells the service or the shard, which completes the ticket once
/// readers see it. Switches of one node are its own.
struct metadata_keeper_state : actor_state {
  static constexpr const char* name = "metadata-keeper";
  /// When a whole state comes it looks at all that readers see.
  static constexpr bool has_own_thread = true;

  explicit metadata_keeper_state(metadata_keeper_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_put_overrides(put_overrides& msg);
  void on_describe_overrides(const describe_overrides& msg);
  void on_register(register_instance& msg);
  void on_deregister(deregister_instance& msg);
  void on_put_health(put_health& msg);
  void on_create_service(create_service& msg);
  void on_update_service(update_service& msg);
  void on_put_cluster(put_cluster& msg);
  void on_remove_service(remove_service& msg);
  void on_put_namespace(put_namespace& msg);
  void on_delete_namespace(delete_namespace& msg);
  void on_set_switch(set_switch& msg);
  void on_agreed(agreed_on& msg);
  void on_part_is_seen(const part_is_seen& msg);
  void on_tick(const caf::tick_atom& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  /// Has the STORE agree on it, unless `checked` refuses.
  void propose_if(outcome checked, agreed::command command, ticket_ptr answer, std::string by = {});
  void send_to_store(propose what);

  /// Whether what is stored about the service may take `after` bytes where it took `before`.
  outcome check_stored(const service_ref& service, std::size_t before, std::size_t after) const;
  outcome check_overrides(const put_overrides& msg) const;
  outcome check_instance(const register_instance& msg) const;
  /// Whether readers see the service. @param metadata as it would be stored
  outcome check_settings(const service_ref& service, const service_metadata& metadata) const;

  /// The next part of what was agreed on, unless readers do not see the last one yet: nobody's
  /// message waits behind all of it.
  void show_part();
  void show_effect(agreed_on::effect& x, const ticket_ptr& seen);
  void show_change(const agreed::change& x, const ticket_ptr& answer, const std::string& by);
  // What readers see from here on, of each kind of change.
  void show(const agreed::overrides_changed& x, const ticket_ptr& answer, const std::string& by);
  void show(const agreed::metadata_changed& x, const ticket_ptr& answer, const std::string& by);
  void show(const agreed::service_removed& x, const ticket_ptr& answer, const std::string& by);
  void show(const agreed::instance_put& x, const ticket_ptr& answer, const std::string& by);
  void show(const agreed::instance_removed& x, const ticket_ptr& answer, const std::string& by);
  void show(const agreed::namespace_put& x, const ticket_ptr& answer, const std::string& by);
  void show(const agreed::namespace_removed& x, const ticket_ptr& answer, const std::string& by);
  void show(const agreed::switches_changed& x, const ticket_ptr& answer, const std::string& by);
  std::map<std::string, agreed::change> all_that_is_shown() const;

  service_ref ref_of(const agreed::service_name& x) const;
  /// Has a service that exists take over what is stored; else there is nothing to tell.
  template <class Event>
  void tell_service(const service_ref& service, Event event);
  void expire_overrides(const service_ref& service);

  metadata_keeper_actor::pointer self;
  node_context_ptr context;
  /// What was agreed on and readers do not see yet, in order.
  std::deque<agreed_on> to_show;
  /// The STORE that told of it last, which runs before others find it in its place.
  store_actor shown_by;
  /// What would take from readers what they saw and the whole state that is being shown does not
  /// have, by what it is about.
  std::map<std::string, agreed::change> stale;
  bool part_is_on_its_way = false;
  /// Since when the instance of an override is gone, by service and id.
  std::map<std::pair<service_ref, std::string>, steady_time> absent_since;
};

metadata_keeper_actor::behavior_type
metadata_keeper(metadata_keeper_actor::stateful_pointer<metadata_keeper_state> self,
                node_context_ptr context, birth_ptr birth);

} // namespace nacre
