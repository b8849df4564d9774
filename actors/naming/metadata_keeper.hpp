#pragma once

#include <map>
#include <string>
#include <utility>

#include "actors/actor_base.hpp"

namespace nacre {

/// State of the METADATA KEEPER: the one writer of the METADATA STORE. What it writes it tells the
/// service, which completes the ticket once readers see it. In a cluster it refuses what all nodes
/// would have to agree on; switches are each node's own.
struct metadata_keeper_state : actor_state {
  static constexpr const char* name = "metadata-keeper";

  explicit metadata_keeper_state(metadata_keeper_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_put_overrides(const put_overrides& msg);
  void on_create_service(const create_service& msg);
  void on_update_service(const update_service& msg);
  void on_service_ended(const service_ended& msg);
  void on_put_namespace(const put_namespace& msg);
  void on_delete_namespace(const delete_namespace& msg);
  void on_set_switch(const set_switch& msg);
  void on_tick(const caf::tick_atom& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  /// Has a service that exists take over what is stored; else completes with `otherwise`.
  template <class Event>
  void tell_service(const service_ref& service, Event event, outcome otherwise);
  void expire_overrides(const service_ref& service);
  /// Whether what is stored about the service may take `after` bytes where it took `before`.
  outcome check_stored(const service_ref& service, std::size_t before, std::size_t after) const;

  metadata_keeper_actor::pointer self;
  node_context_ptr context;
  /// Since when the instance of an override is gone, by service and id.
  std::map<std::pair<service_ref, std::string>, steady_time> absent_since;
};

metadata_keeper_actor::behavior_type
metadata_keeper(metadata_keeper_actor::stateful_pointer<metadata_keeper_state> self,
                node_context_ptr context, birth_ptr birth);

} // namespace nacre
