#pragma once

#include <cstdint>
#include <deque>
#include <queue>
#include <unordered_map>
#include <vector>

#include "actors/clocks.hpp"
#include "actors/publication.hpp"

namespace nacre {

/// A lease whose terms ran out, as found by `client_table::due`.
struct lapse {
  enum class kind : std::uint8_t {
    /// Beats stopped for `beat_timeout_ms`.
    unhealthy,
    /// Beats stopped for `delete_timeout_ms`.
    removed,
    /// A UDP subscriber asked for no list any more.
    unsubscribed,
  };
  kind what;
  lease_ptr held_by;
};

/// How leases are judged right now. Those that another node of the cluster judges are left alone.
struct lapse_rules {
  /// Switch `check`: false means that nobody is marked or removed.
  bool checks_enabled = true;
  /// `nacos.naming.expireInstance`
  bool expire_instance = true;
  std::int64_t subscriber_timeout_ms = 30'000;
  /// Leases count as renewed at this time at least: set when the node itself had stood still.
  std::int64_t renewed_at_least_ms = 0;
  /// Clients may beat since then at a node that was not heard before: each has the time of a beat
  /// to be heard of.
  std::int64_t reunited_ms = long_ago_ms;

  /// From when on the terms of `x` count.
  std::int64_t terms_from(const lease& x) const {
    constexpr std::int64_t relay_ms = 2'000;
    auto next_beat_ms = reunited_ms + x.beat_interval_ms + relay_ms;
    return std::max({x.renewed_ms.load(), x.terms_from_ms.load(), renewed_at_least_ms,
                     next_beat_ms - x.beat_timeout_ms});
  }
};

/// The rows of a CLIENT SHARD without mailbox or clock: what each ip:port client publishes and
/// subscribes, and which leases ran out. Times are ms of the steady clock.
class client_table {
public:
  /// What the client publishes for the lease's service, null if nothing.
  publication_ptr find(const client_id& client, const service_key_view& service) const;

  subscriber_ptr find_subscription(const client_id& client, const service_key_view& service) const;

  /// Adds or replaces.
  void put(const publication_ptr& x, std::int64_t now_ms);
  void put(const subscriber_ptr& x, std::int64_t now_ms);

  /// @returns what was removed, null if nothing.
  publication_ptr remove(const client_id& client, const service_key_view& service);
  subscriber_ptr remove_subscription(const client_id& client, const service_key_view& service);

  /// Leases that ran out by `now_ms`, each told once per lapse. The caller decides what becomes
  /// of them and calls `remove` or `put`; a lease that stays is looked at again.
  std::vector<lapse> due(std::int64_t now_ms, const lapse_rules& rules);

  /// Everything that touches one service, to rebuild a restarted SERVICE.
  void collect(const service_key_view& service, std::vector<publication_ptr>& publications,
               std::vector<subscriber_ptr>& subscribers) const;

  /// This node judges the lease from now on: it is looked at again.
  void look_after(const lease_ptr& x, std::int64_t now_ms) {
    if (!x->looked_after)
      schedule(x, now_ms, now_ms);
  }

  /// Calls `f` with each publication.
  template <class F>
  void for_each_publication(F f) const {
    for (auto& [client, r] : rows_)
      for (auto& x : r.publications)
        f(x);
  }

  std::size_t clients() const { return rows_.size(); }
  std::size_t publications() const { return publications_; }
  std::size_t subscriptions() const { return subscriptions_; }

private:
  struct row {
    boost::container::small_vector<publication_ptr, 1> publications;
    boost::container::small_vector<subscriber_ptr, 1> subscriptions;
  };

  struct check {
    std::int64_t due_ms;
    lease_ptr held_by;
    bool operator<(const check& other) const { return due_ms > other.due_ms; }
  };

  /// A lease is looked at in this interval at least, so that changed terms take effect.
  static constexpr std::int64_t check_interval_max_ms = 5'000;

  const row* find_row(const client_id& client) const;
  bool is_current(const lease& x, bool& publishes) const;
  void schedule(const lease_ptr& x, std::int64_t due_ms, std::int64_t now_ms);
  void judge(const lease_ptr& x, bool publishes, std::int64_t now_ms, const lapse_rules& rules,
             std::vector<lapse>& lapses);

  std::unordered_map<client_id, row, client_id_hash> rows_;
  std::priority_queue<check, std::deque<check>> checks_;
  std::size_t publications_ = 0;
  std::size_t subscriptions_ = 0;
};

} // namespace nacre
