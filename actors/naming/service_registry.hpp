#pragma once

#include "actors/actor_base.hpp"

namespace nacre {

/// State of the SERVICE REGISTRY: supervises the SERVICE actors.
///
/// Services are spawned by whoever needs one first (`send_to_service`), while the DIRECTORY's
/// lock is held: were they spawned here, a message that travels by way of the registry could be
/// overtaken by one that already knows the handle. They end themselves when nobody needs them.
struct service_registry_state : supervising_state<service_ref> {
  static constexpr const char* name = "service-registry";

  explicit service_registry_state(service_registry_actor::pointer me)
    : supervising_state(me), self(me) {}

  void start(node_context_ptr context);

  void on_supervise(const supervise_service& msg);
  void on_shard_asks_rows(const shard_asks_rows& msg);
  void on_respawn(const respawn_service& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  void on_down(const caf::down_msg& msg);

  service_registry_actor::pointer self;
  node_context_ptr context;
};

service_registry_actor::behavior_type
service_registry(service_registry_actor::stateful_pointer<service_registry_state> self,
                 node_context_ptr context, birth_ptr birth);

} // namespace nacre
