#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/actor_base.hpp"

namespace nacre {

/// State of the NODE: starts its children in order, starts a failed one again after a growing
/// delay, ends them in the opposite order.
struct node_state : supervising_state<std::size_t> {
  static constexpr const char* name = "node";

  explicit node_state(node_actor::pointer me) : supervising_state(me), self(me) {}

  void start(node_context_ptr context);

  void on_respawn(const respawn_child& msg);

  std::string summary() const;
  void details(json_writer& out) const;
  /// Children are one of a kind, but for the shards, which are numbered.
  std::string shown(std::size_t place) const { return places[place].key; }

private:
  /// One child, whoever it is at present.
  struct place {
    std::string key;
    /// Spawns it and puts it into its cell of the context.
    std::function<void(birth_ptr)> spawn;
    /// Takes over the one that a failed NODE left. @returns false if there is none
    std::function<bool()> take_over;
    std::function<caf::actor()> present;
  };

  /// @param function the actor's behaviour; its arguments are the context, `args` and the birth.
  /// A state that says `has_own_thread` gets one, where the node has such.
  template <class State, class Cell, class Function, class... Args>
  void add(Cell& cell, Function function, Args... args);
  void add_children();
  void on_down(const caf::down_msg& msg);
  void on_exit(const caf::exit_msg& msg);
  /// Ends the last child that still lives; when none is left, what the children supervised, then
  /// itself.
  void stop_next();

  node_actor::pointer self;
  node_context_ptr context;
  std::vector<place> places;
  bool stopping = false;
};

/// The root actor of a node. A root that takes the place of a failed one finds the children of
/// its predecessor in the context and goes on supervising them.
node_actor::behavior_type node(node_actor::stateful_pointer<node_state> self,
                               node_context_ptr context, birth_ptr birth);

/// Spawns the root and puts it in its place.
node_actor spawn_node(caf::actor_system& system, const node_context_ptr& context);

/// Number of client shards for these options.
std::size_t client_shards(const options& opts, std::size_t actor_threads);

} // namespace nacre
