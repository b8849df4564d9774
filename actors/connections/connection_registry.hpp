#pragma once

#include "actors/actor_base.hpp"

namespace nacre {

/// State of the CONNECTION REGISTRY: supervises the CONNECTION CLIENTs. They are spawned with their
/// connection, from the edge, and end with it.
struct connection_registry_state : supervising_state<std::string> {
  static constexpr const char* name = "connection-registry";

  explicit connection_registry_state(connection_registry_actor::pointer me)
    : supervising_state(me), self(me) {}

  void start(node_context_ptr context);

  void on_supervise(const supervise_connection& msg);
  void on_respawn(const respawn_connection& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  void watch(const connection_ptr& x);
  void on_down(const caf::down_msg& msg);

  connection_registry_actor::pointer self;
  node_context_ptr context;
};

connection_registry_actor::behavior_type
connection_registry(connection_registry_actor::stateful_pointer<connection_registry_state> self,
                    node_context_ptr context, birth_ptr birth);

} // namespace nacre
