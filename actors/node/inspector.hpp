#pragma once

#include "actors/actor_base.hpp"

namespace nacre {

/// State of the INSPECTOR: walks the tree of actors from the NODE on, asking each supervisor for
/// its children and those that are to be shown for their status. There is no book beside the
/// actors: who is not supervised is not shown.
struct inspector_state : actor_state {
  static constexpr const char* name = "inspector";

  explicit inspector_state(inspector_actor::pointer me) : self(me) {}

  void start(node_context_ptr ctx) { context = std::move(ctx); }

  void on_inspect(const inspect& msg);
  caf::result<found_actor> on_find(const find_actor& msg);

  std::string summary() const { return "writes this report"; }
  void details(json_writer&) const {}

private:
  /// A child and its supervisor.
  struct listed {
    named_child child;
    std::uint64_t parent = 0;
  };

  struct tree_walk;
  using walk_ptr = std::shared_ptr<tree_walk>;

  walk_ptr begin_walk();
  /// Asks the next supervisor; those who walk are called when none is left, or nothing more wanted.
  void walk_on(const walk_ptr& walk);
  void take_children(tree_walk& walk, const listed& supervisor, children_report report);
  void gather(const walk_ptr& walk, const ticket_ptr& answer);
  void show_one(const walk_ptr& walk, const inspect& msg);
  /// Asks one actor; `use` gets its status, or what is known of it when it does not answer.
  template <class F>
  void ask(const listed& who, bool detailed, F use);

  inspector_actor::pointer self;
  node_context_ptr context;
};

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         node_context_ptr context, birth_ptr birth);

} // namespace nacre
