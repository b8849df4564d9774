#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <span>
#include <unordered_set>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/tables/publication.hpp"

namespace nacre {

/// A lease whose terms ran out, as found by `client_table::due`.
struct lapse {
  enum class kind : std::uint8_t {
    /// Beats stopped for `beat_timeout`.
    unhealthy,
    /// Beats stopped for `delete_timeout`.
    removed,
    /// A UDP subscriber asked for no list any more.
    unsubscribed,
  };
  kind what;
  lease_ptr lease;
};

/// How leases are checked right now. Those of which another node is responsible are left alone.
struct lapse_rules {
  /// Switch `check`: false means that nobody is marked or removed.
  bool checks_enabled = true;
  /// `nacos.naming.expireInstance`
  bool expire_instance = true;
  milliseconds subscriber_timeout{30'000};
  /// Leases count as renewed at this time at least: set when the node itself had stood still.
  steady_time renewed_at_least{};
  /// Clients may have been beating at a node we could not hear: each gets one more beat interval
  /// from here.
  steady_time reunited = never;
  /// None of those that beat lapsed before this time, as this node had suspected itself.
  steady_time lapsed_at_least = never;

  /// From when on the terms of `x` count.
  steady_time term_starts(const lease& x) const {
    constexpr milliseconds relay{2'000};
    auto next_beat = reunited + x.beat_interval.load() + relay;
    auto held = x.has_beaten ? lapsed_at_least : never;
    return std::max({x.renewed.load(), x.term_starts.load(), renewed_at_least,
                     std::max(next_beat, held) - x.beat_timeout.load()});
  }
};

/// The rows of a CLIENT SHARD without mailbox or clock: what each ip:port client publishes and
/// subscribes, and which leases ran out.
class client_table {
public:
  /// What the client publishes for the lease's service, null if nothing.
  publication_ptr find(const client_id& client, const service_key_view& service) const;

  subscriber_ptr find_subscription(const client_id& client, const service_key_view& service) const;

  /// Adds or replaces.
  void put(const publication_ptr& x, steady_time now);
  void put(const subscriber_ptr& x, steady_time now);

  /// @returns what was removed, null if nothing.
  publication_ptr remove(const client_id& client, const service_key_view& service);
  subscriber_ptr remove_subscription(const client_id& client, const service_key_view& service);

  /// Leases that ran out by `now`, each told once per lapse. The caller decides what becomes
  /// of them and calls `remove` or `put`; a lease that stays is looked at again. Ends early when
  /// that is much for one turn, see `has_due`.
  std::vector<lapse> due(steady_time now, const lapse_rules& rules);

  /// Whether there are leases to be looked at by `now`.
  bool has_due(steady_time now) const {
    return publisher_checks_.has_due(now) || subscriber_checks_.has_due(now);
  }

  /// Everything that touches one service, to rebuild a restarted SERVICE.
  void collect(const service_key_view& service, std::vector<publication_ptr>& publications,
               std::vector<subscriber_ptr>& subscribers) const;

  /// This node is responsible for the lease from now on: it is checked again.
  void schedule_check(const lease_ptr& x, steady_time now) {
    if (!x->check_scheduled)
      schedule_publisher(x, now, now);
  }

  /// How far a walk over all rows has come.
  struct walk {
    std::size_t bucket = 0;
    std::size_t buckets = 0;
  };

  /// Goes on with a walk over some `rows` more, and calls `f` with what those of them publish that
  /// have to beat. Rows may come and go between two calls; those that stay are seen, some maybe
  /// twice.
  /// @returns whether there are more
  template <class F>
  bool walk_ephemeral(walk& at, std::size_t rows, F f) const {
    if (at.buckets != rows_.bucket_count())
      at = {0, rows_.bucket_count()}; // all rows have another place
    for (std::size_t seen = 0; at.bucket < at.buckets && seen < rows; ++at.bucket, ++seen)
      for (auto i = rows_.begin(at.bucket); i != rows_.end(at.bucket); ++i, ++seen)
        if (i->client().kind == client_kind::ephemeral)
          for (auto& x : i->publications())
            f(x);
    return at.bucket < at.buckets;
  }

  /// Calls `f` with each publication.
  template <class F>
  void for_each_publication(F f) const {
    for (auto& r : rows_)
      for (auto& x : r.publications())
        f(x);
  }

  std::size_t clients() const { return rows_.size(); }
  /// Those of them whose instances are kept without beats.
  std::size_t persistent_clients() const { return persistent_clients_; }
  std::size_t publications() const { return publications_; }
  std::size_t subscriptions() const { return subscriptions_; }

private:
  /// What one client holds. Nearly every one publishes for one service and subscribes none: then
  /// its row is the publication.
  struct row {
    /// Sorted by service: one ip:port may subscribe thousands.
    struct lists {
      client_id client;
      std::vector<publication_ptr> publications;
      std::vector<subscriber_ptr> subscriptions;
    };

    const client_id& client() const { return only ? only->lease->client : more->client; }
    std::span<const publication_ptr> publications() const {
      return more ? std::span<const publication_ptr>(more->publications) : std::span(&only, 1);
    }
    publication_ptr find(const service_key_view& service) const;
    subscriber_ptr find_subscription(const service_key_view& service) const;

    /// The same as lists.
    lists& widen() const;

    // Not the key of the row, which is the client. One of the two is null.
    mutable publication_ptr only;
    mutable std::unique_ptr<lists> more{};
  };

  struct row_hash {
    using is_transparent = void;
    std::size_t operator()(const client_id& x) const { return x.hash(); }
    std::size_t operator()(const row& x) const { return x.client().hash(); }
  };

  struct row_equal {
    using is_transparent = void;
    static const client_id& of(const client_id& x) { return x; }
    static const client_id& of(const row& x) { return x.client(); }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return of(a) == of(b);
    }
  };

  struct check {
    steady_time due;
    lease_ptr lease;
    bool operator<(const check& other) const { return due > other.due; }
  };

  struct check_queue : std::priority_queue<check, std::deque<check>> {
    bool has_due(steady_time now) const { return !empty() && top().due <= now; }
    lease_ptr take() {
      auto lease = top().lease;
      pop();
      return lease;
    }
  };

  /// A lease is looked at in this interval at least, so that changed terms take effect.
  static constexpr milliseconds check_interval_max{5'000};

  /// Of one turn: each takes less than a microsecond to look at, and some more when it lapses.
  static constexpr std::size_t looks_max = 4'000;
  static constexpr std::size_t lapses_max = 250;

  const row* find_row(const client_id& client) const;
  using row_set = std::unordered_set<row, row_hash, row_equal>;
  /// A new row of a client is in; @returns it
  const row& add_row(row x);
  /// Puts it into its client's row. @returns what was there before, null if nothing
  publication_ptr put_row(const publication_ptr& x);
  /// Something was taken out of it: it may have to go, or be one publication again.
  void tidy_row(row_set::iterator i);
  bool publishes(const lease& x) const;
  bool subscribes(const lease& x) const;
  void schedule_publisher(const lease_ptr& x, steady_time due, steady_time now);
  void schedule_subscriber(const lease_ptr& x, steady_time due, steady_time now);
  void check_publisher(const lease_ptr& x, steady_time now, const lapse_rules& rules,
                       std::vector<lapse>& lapses);
  void check_subscriber(const lease_ptr& x, steady_time now, const lapse_rules& rules,
                        std::vector<lapse>& lapses);

  row_set rows_;
  check_queue publisher_checks_;
  check_queue subscriber_checks_;
  std::size_t persistent_clients_ = 0;
  std::size_t publications_ = 0;
  std::size_t subscriptions_ = 0;
};

} // namespace nacre
