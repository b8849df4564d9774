#pragma once

#include <set>

#include "actors/actor_base.hpp"

namespace nacre {

/// State of the FUZZY WATCH: which connections watch patterns (Nacos
/// `NamingFuzzyWatchContextService`). Each connection matches its own patterns.
struct fuzzy_watch_state : actor_state {
  static constexpr const char* name = "fuzzy-watch";

  explicit fuzzy_watch_state(fuzzy_watch_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_watcher(const watcher_changed& msg);
  void on_presence(const presence_changed& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  fuzzy_watch_actor::pointer self;
  node_context_ptr context;
  std::set<std::string> watchers;
};

/// One that takes the place of a failed one has all watchers look for themselves.
fuzzy_watch_actor::behavior_type
fuzzy_watch(fuzzy_watch_actor::stateful_pointer<fuzzy_watch_state> self, node_context_ptr context,
            birth_ptr birth);

} // namespace nacre
