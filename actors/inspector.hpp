#pragma once

#include <vector>

#include "actors/actor_base.hpp"

namespace nacre {

/// State of the INSPECTOR: asks actors for their status and writes the report. There is no book
/// beside the actors: what they don't tell is not known.
struct inspector_state : actor_state {
  static inline const char* name = "inspector";

  explicit inspector_state(inspector_actor::pointer me) : self(me) {}

  void start(node_context_ptr ctx) { context = std::move(ctx); }

  void on_inspect(const inspect& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  struct listed {
    status_actor actor;
    const char* kind;
  };

  /// All actors of the node, parents first.
  std::vector<listed> all_actors() const;
  void inspect_one(const inspect& msg, const std::vector<listed>& actors);
  void inspect_all(const inspect& msg, const std::vector<listed>& actors);

  inspector_actor::pointer self;
  node_context_ptr context;
};

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         node_context_ptr context, actor_origin_ptr origin);

/// All actors of a node that have the id; used by the test hook that kills one.
status_actor find_actor_by_id(const node_context& context, std::uint64_t id);

} // namespace nacre
