#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/tables/service_view.hpp"

namespace nacre {

/// All services of a node: where queries find the view of a service and writers its actor
/// Any thread; short locks on one of many stripes, reads share them.
class directory {
public:
  /// The view of a service, null if there is none.
  service_view_ptr find(const service_key_view& name) const;

  /// The directory's own key object of a service, a new one if it is not in: so there is one
  /// object per service and not one per lease.
  service_ref shared_key(const service_key_view& name) const;

  /// The actor of a service, null if there is none.
  service_actor find_actor(const service_key_view& name) const;

  /// Calls `use` with the service's actor. If there is none, `spawn` makes it first. All under a
  /// lock that `remove_if` needs too: what `use` sends arrives before the actor can retire, and
  /// no message to a service overtakes another on the way.
  /// @returns false if there is no actor and `spawn` gave none either.
  template <class Spawn, class Use>
  bool with_actor(const service_ref& key, Spawn spawn, Use use) {
    auto& part = stripe_of(key->hash);
    {
      std::shared_lock guard(part.lock);
      if (auto i = part.services.find(key); i != part.services.end()) {
        use(i->second.actor);
        return true;
      }
    }
    std::unique_lock guard(part.lock);
    auto i = part.services.find(key);
    if (i == part.services.end()) {
      auto actor = spawn();
      if (!actor)
        return false;
      i = part.services.emplace(key, entry{std::move(actor), nullptr}).first;
      ++size_;
    }
    use(i->second.actor);
    return true;
  }

  /// Puts a new view in; its service must be in the directory. Only by the SERVICE itself.
  void publish(const service_view_ptr& view);

  /// Puts a restarted actor in place of the failed one.
  void replace_actor(const service_key_view& name, const service_actor& actor);

  /// Takes a service out if `condition()` holds while nobody can send to it by `with_actor`.
  template <class Condition>
  bool remove_if(const service_key_view& name, Condition condition) {
    hashed_service_key key(name);
    auto& part = stripe_of(key.hash);
    {
      std::unique_lock guard(part.lock);
      auto i = part.services.find(key);
      if (i == part.services.end() || !condition())
        return false;
      part.services.erase(i);
      --size_;
    }
    unlist(name);
    return true;
  }

  /// Calls `f(const service_ref&, const service_actor&, const service_view_ptr&)` for each; the
  /// view may be null. `f` runs without a lock, on a copy of one stripe after the other.
  template <class F>
  void for_each(F f) const {
    for (auto& part : stripes_) {
      std::vector<std::pair<service_ref, entry>> copy;
      {
        std::shared_lock guard(part.lock);
        copy.assign(part.services.begin(), part.services.end());
      }
      for (auto& [key, x] : copy)
        f(key, x.actor, x.view);
    }
  }

  /// Number of services, without a lock.
  std::size_t size() const { return size_; }

  // -- names of listed services ------------------------------------------------------------------

  std::vector<std::string> namespaces() const;

  /// Names of the listed services of one group, in order; `total` is the number of all of them.
  std::vector<std::string> names(std::string_view namespace_id, std::string_view group,
                                 std::size_t offset, std::size_t limit, std::size_t& total) const;

  /// Whether `names` takes long for that page: it ends beyond the first few thousand, and so does
  /// the group. Clients ask for all names at once, of which there are few most of the time.
  bool is_long_page(std::string_view namespace_id, std::string_view group, std::size_t offset,
                    std::size_t limit) const;

  /// Names that begin alike.
  struct name_range {
    std::string_view namespace_id;
    std::string_view group_begin;
    std::string_view name_begin;
  };

  /// Calls `f(const service_ref&)` for each listed service of the range in order of group and name,
  /// until it returns false. `f` runs without a lock: what comes meanwhile may be missing, and what
  /// goes may still be told.
  template <class F>
  void for_each_listed(const name_range& range, F f) const {
    name_cursor at{std::string(range.group_begin), std::string(range.name_begin)};
    while (!at.ended)
      for (auto& key : read_on(range, at))
        if (!f(key))
          return;
  }

  std::size_t listed() const;

private:
  struct entry {
    service_actor actor;
    service_view_ptr view;
  };

  struct stripe {
    mutable std::shared_mutex lock;
    std::unordered_map<service_ref, entry, service_ref_hash, service_ref_equal> services;
  };

  /// The keys of the services themselves: their names need not be there twice.
  struct by_name {
    using is_transparent = void;
    static std::string_view of(const service_ref& x) { return x->name; }
    static std::string_view of(std::string_view x) { return x; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return of(a) < of(b);
    }
  };

  using name_set = std::set<service_ref, by_name>;
  using group_map = std::map<std::string, name_set, std::less<>>;

  static constexpr std::size_t stripes_count = 64;

  stripe& stripe_of(std::size_t hash) { return stripes_[(hash >> 24) % stripes_count]; }
  const stripe& stripe_of(std::size_t hash) const { return stripes_[(hash >> 24) % stripes_count]; }

  /// The first name not read yet.
  struct name_cursor {
    std::string group;
    std::string name;
    bool ended = false;
  };

  /// The next names of the range, as many as keep nobody waiting for the lock.
  std::vector<service_ref> read_on(const name_range& range, name_cursor& at) const;

  void list(const service_ref& key);
  void unlist(const service_key_view& key);

  std::vector<stripe> stripes_{stripes_count};
  std::atomic<std::size_t> size_{0};

  mutable std::shared_mutex names_lock_;
  std::map<std::string, group_map, std::less<>> names_;
  std::size_t listed_ = 0;
};

} // namespace nacre
