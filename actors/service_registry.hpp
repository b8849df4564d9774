#pragma once

#include <deque>
#include <unordered_map>

#include "actors/actor_base.hpp"
#include "actors/restart_delay.hpp"

namespace nacre {

/// State of the SERVICE REGISTRY: supervises the SERVICE actors.
///
/// Services are spawned by whoever needs one first (`send_to_service`), while the DIRECTORY's
/// lock is held: were they spawned here, a message that travels by way of the registry could be
/// overtaken by one that already knows the handle. They end themselves when nobody needs them.
struct service_registry_state : actor_state {
  static inline const char* name = "service-registry";

  explicit service_registry_state(service_registry_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_adopt(const adopt& msg);
  void on_recall(const recall& msg);
  void on_respawn(const respawn_service& msg);
  caf::result<actor_status> on_status(const status_request& msg);
  void on_down(const caf::down_msg& msg);

private:
  void watch(const service_ref& key, const service_actor& actor);

  service_registry_actor::pointer self;
  node_context_ptr context;
  std::unordered_map<caf::actor_id, service_ref> services;
  /// Failures of services that are not long past.
  std::unordered_map<service_ref, restart_delay, service_ref_hash, service_ref_equal> failures;
  std::uint64_t restarts = 0;
};

service_registry_actor::behavior_type
service_registry(service_registry_actor::stateful_pointer<service_registry_state> self,
                 node_context_ptr context, actor_origin_ptr origin);

} // namespace nacre
