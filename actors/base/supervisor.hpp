#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "actors/base/restart_delay.hpp"

namespace nacre {

/// What an actor is told of itself by its supervisor.
struct birth {
  /// Id of the supervisor.
  std::uint64_t parent = 0;
  /// How often it was started again.
  std::uint32_t restarts = 0;
  /// Why its predecessor ended; empty at the first start.
  std::string last_failure;
};

/// Null for an actor that runs for the first time and was not spawned by its supervisor.
using birth_ptr = std::shared_ptr<const birth>;

/// Whether the actor takes the place of one that failed.
inline bool is_restart(const birth_ptr& x) { return x && x->restarts > 0; }

/// Base of the states of actors that have children.
struct supervises_tag {};

/// A kind of actor, as the admin endpoint shows it.
struct actor_kind {
  const char* name;
  /// Whether actors of this kind have children.
  bool supervises;
};

template <class State>
inline constexpr actor_kind kind_of{State::name, std::is_base_of_v<supervises_tag, State>};

/// Which children a status shall name.
struct children_query {
  /// Only this kind; empty means any.
  std::string kind;
  /// Only those whose key contains this.
  std::string key;
  /// Only this one.
  std::optional<std::uint64_t> id;
  /// Of those that match: from here on, so many.
  std::size_t offset = 0;
  std::size_t limit = 0;
};

struct named_child {
  caf::strong_actor_ptr actor;
  const actor_kind* kind = nullptr;
  std::string key;
};

/// The children of one actor, as its status tells them.
struct children_report {
  std::map<std::string, std::size_t> by_kind;
  /// How many match the query.
  std::size_t matching = 0;
  /// The part of them that was asked for, in the order of their starts.
  std::vector<named_child> named;
  /// All that have children of their own, whatever was asked for.
  std::vector<named_child> supervisors;
};

/// One log line, the same for all.
void log_failure(const std::string& kind, const std::string& key, const std::string& reason,
                 std::chrono::milliseconds delay);

/// The children of one actor: who they are, how often they failed, when to start them again. A
/// child is started again for ever, after waits that grow to 5 s. What is watched is seen by
/// operators: the status of the actor tells its children from here. Neither spawns nor knows a
/// message; part of the state of one actor.
template <class Key>
class supervisor {
public:
  struct child {
    Key key;
    caf::actor_addr actor;
    const actor_kind* kind;
  };

  /// A child that failed.
  struct failure {
    Key key;
    std::string kind;
    std::string reason;
    /// When to start it again.
    std::chrono::milliseconds delay;
  };

  explicit supervisor(caf::local_actor* self) : self_(self) {}

  /// `actor` is a child from here on. @returns false if it was one already
  template <class State, class Handle>
  bool watch(const Key& key, const Handle& actor) {
    if (!children_.try_emplace(actor.id(), child{key, actor.address(), &kind_of<State>}).second)
      return false;
    self_->monitor(actor);
    return true;
  }

  /// The child of `key`, which may have failed, is no longer this actor's business.
  void forget(const Key& key) {
    std::erase_if(children_, [&](auto& x) { return x.second.key == key; });
    failures_.erase(key);
  }

  /// An actor ended. @returns the child that it was and when to start it again; nothing if it was
  /// none, or ended of its own will
  std::optional<failure> on_down(const caf::down_msg& msg, steady_time now) {
    auto i = children_.find(msg.source.id());
    if (i == children_.end())
      return std::nullopt;
    auto ended = std::move(i->second);
    children_.erase(i);
    if (!msg.reason || msg.reason == caf::exit_reason::user_shutdown) {
      failures_.erase(ended.key);
      return std::nullopt;
    }
    auto& record = failures_[ended.key];
    record.reason = self_->system().render(msg.reason);
    ++restarts_;
    return failure{std::move(ended.key), ended.kind->name, record.reason, record.delay.next(now)};
  }

  /// What the child of `key` is told when it is started now.
  birth_ptr next_birth(const Key& key) const {
    auto i = failures_.find(key);
    if (i == failures_.end())
      return std::make_shared<const birth>(birth{self_->id(), 0, ""});
    return std::make_shared<const birth>(
      birth{self_->id(), i->second.delay.restarts(), i->second.reason});
  }

  /// @param text gives the key of a child as it is shown
  template <class Text>
  children_report report(const children_query& query, Text text) const {
    children_report result;
    for (auto& [id, x] : children_) {
      ++result.by_kind[x.kind->name];
      if (x.kind->supervises)
        add(result.supervisors, x, text(x.key));
      if ((query.id && *query.id != id) || (!query.kind.empty() && query.kind != x.kind->name))
        continue;
      if (!query.key.empty() && text(x.key).find(query.key) == std::string::npos)
        continue;
      if (result.matching++ >= query.offset && result.named.size() < query.limit)
        add(result.named, x, text(x.key));
    }
    return result;
  }

  std::size_t size() const { return children_.size(); }

  /// Whether a child of this key lives. Looks through all of them.
  bool has(const Key& key) const {
    return std::any_of(children_.begin(), children_.end(),
                       [&](auto& x) { return x.second.key == key; });
  }

  /// How often any child was started again.
  std::uint64_t restarts() const { return restarts_; }

private:
  static void add(std::vector<named_child>& to, const child& x, std::string key) {
    if (auto actor = caf::actor_cast<caf::strong_actor_ptr>(x.actor))
      to.push_back({std::move(actor), x.kind, std::move(key)});
  }

  struct failure_record {
    restart_delay delay;
    std::string reason;
  };

  caf::local_actor* self_;
  std::map<std::uint64_t, child> children_;
  /// Only of those that failed.
  std::map<Key, failure_record> failures_;
  std::uint64_t restarts_ = 0;
};

} // namespace nacre
