#pragma once

#include <map>
#include <unordered_map>

#include "actors/actor_base.hpp"
#include "actors/restart_delay.hpp"

namespace nacre {

/// State of the CONNECTION REGISTRY: supervises the CONNECTION CLIENTs. The connections themselves
/// are in the `connection_table`.
struct connection_registry_state : actor_state {
  static inline const char* name = "connection-registry";

  explicit connection_registry_state(connection_registry_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_adopt(const adopt_connection& msg);
  void on_respawn(const respawn_connection& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  void watch(const connection_ptr& x);
  void on_down(const caf::down_msg& msg);

  connection_registry_actor::pointer self;
  node_context_ptr context;
  std::unordered_map<caf::actor_id, std::string> watched;
  /// Only of those that failed and still live.
  std::map<std::string, restart_delay> failures;
  std::size_t restarts = 0;
};

connection_registry_actor::behavior_type
connection_registry(connection_registry_actor::stateful_pointer<connection_registry_state> self,
                    node_context_ptr context, actor_origin_ptr origin);

} // namespace nacre
