#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/actor_base.hpp"
#include "actors/restart_delay.hpp"

namespace nacre {

/// State of the NODE: starts its children in order, starts a failed one again after a growing
/// delay, ends them in the opposite order.
struct node_state : actor_state {
  static inline const char* name = "node";

  explicit node_state(node_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_respawn(const respawn_child& msg);
  caf::result<actor_status> on_status(const status_request& msg);
  void on_down(const caf::down_msg& msg);
  void on_exit(const caf::exit_msg& msg);

private:
  struct child {
    std::string title;
    /// Spawns it, puts it into its cell of the context.
    std::function<caf::strong_actor_ptr(bool again, actor_origin_ptr)> spawn;
    caf::strong_actor_ptr actor;
    restart_delay delay;
    std::string last_failure;
  };

  template <class Cell, class Spawn>
  void add(std::string title, Cell& cell, Spawn spawn);
  void watch(child& x, caf::strong_actor_ptr actor);
  void stop_next();

  node_actor::pointer self;
  node_context_ptr context;
  std::vector<child> children;
  bool stopping = false;
};

/// The root actor of a node. A root that takes the place of a failed one finds the children of
/// its predecessor in the context and goes on supervising them.
node_actor::behavior_type node(node_actor::stateful_pointer<node_state> self,
                               node_context_ptr context, actor_origin_ptr origin);

/// Spawns the root and puts it in its place.
node_actor spawn_node(caf::actor_system& system, const node_context_ptr& context);

/// Number of client shards for these options.
std::size_t client_shards(const options& opts, std::size_t actor_threads);

} // namespace nacre
