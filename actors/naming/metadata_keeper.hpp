#pragma once

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

  explicit metadata_keeper_state(metadata_keeper_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_put_overrides(put_overrides& msg);
  void on_describe_overrides(const describe_overrides& msg);
  void on_register(register_instance& msg);
  void on_deregister(deregister_instance& msg);
  void on_create_service(create_service& msg);
  void on_update_service(update_service& msg);
  void on_put_cluster(put_cluster& msg);
  void on_remove_service(remove_service& msg);
  void on_put_namespace(put_namespace& msg);
  void on_delete_namespace(delete_namespace& msg);
  void on_set_switch(set_switch& msg);
  void on_agreed(agreed_on& msg);
  void on_agreed_state(agreed_state_is& msg);
  void on_show_more(const show_more_state& msg);
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

  void show_effects(agreed_on& msg);
  void show_part();
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
  /// A whole state that is being shown; null if none is.
  std::shared_ptr<whole_state> whole;
  /// Since when the instance of an override is gone, by service and id.
  std::map<std::pair<service_ref, std::string>, steady_time> absent_since;
};

metadata_keeper_actor::behavior_type
metadata_keeper(metadata_keeper_actor::stateful_pointer<metadata_keeper_state> self,
                node_context_ptr context, birth_ptr birth);

} // namespace nacre
