#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/base/pointer_set.hpp"
#include "actors/naming/lease_checks.hpp"
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
  struct client_hash {
    std::size_t operator()(const publication& x) const { return x.lease->client.hash(); }
  };

  struct same_client {
    static const client_id& of(const client_id& x) { return x; }
    static const client_id& of(const publication& x) { return x.lease->client; }
    template <class Key>
    bool operator()(const publication& x, const Key& key) const {
      return of(x) == of(key);
    }
  };

  using publication_set = pointer_set<const publication, client_hash, same_client>;

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
  bool has_due(steady_time now) {
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

  /// How far a walk over all clients has come.
  class walk {
    friend class client_table;
    publication_set::walk sole;
    bool has_seen_sole = false;
    std::size_t bucket = 0;
    std::size_t buckets = 0;
  };

  /// Goes on with a walk over some `clients` more, and calls `f` with what those of them publish
  /// that have to beat. Clients may come and go between two calls; those that stay are seen, some
  /// maybe twice.
  /// @returns whether there are more
  template <class F>
  bool walk_ephemeral(walk& at, std::size_t clients, F f) const {
    auto see = [&](const publication_ptr& x) {
      if (x->lease->client.kind == client_kind::ephemeral)
        f(x);
    };
    if (!at.has_seen_sole) {
      at.has_seen_sole = !sole_.walk_on(at.sole, clients, see);
      return !at.has_seen_sole || !others_.empty();
    }
    if (at.buckets != others_.bucket_count()) {
      at.bucket = 0; // all have another place
      at.buckets = others_.bucket_count();
    }
    for (std::size_t seen = 0; at.bucket < at.buckets && seen < clients; ++at.bucket, ++seen)
      for (auto i = others_.begin(at.bucket); i != others_.end(at.bucket); ++i, ++seen)
        std::for_each(i->second.publications.begin(), i->second.publications.end(), see);
    return at.bucket < at.buckets;
  }

  /// Calls `f` with each publication.
  template <class F>
  void for_each_publication(F f) const {
    sole_.each(f);
    for (auto& [client, of_it] : others_)
      std::for_each(of_it.publications.begin(), of_it.publications.end(), f);
  }

  std::size_t clients() const { return sole_.size() + others_.size(); }
  /// Those of them whose instances are kept without beats.
  std::size_t persistent_clients() const { return persistent_clients_; }
  std::size_t publications() const { return publications_; }
  std::size_t subscriptions() const { return subscriptions_; }

private:
  /// Sorted by service: one ip:port may subscribe thousands.
  struct lists {
    std::vector<publication_ptr> publications;
    std::vector<subscriber_ptr> subscriptions;
  };

  using other_clients = std::unordered_map<client_id, lists, client_id_hash>;

  /// A lease is looked at in this interval at least, so that changed terms take effect.
  static constexpr milliseconds check_interval_max{5'000};

  /// Of one turn: each takes less than a microsecond to look at, and some more when it lapses.
  static constexpr std::size_t looks_max = 4'000;
  static constexpr std::size_t lapses_max = 250;

  const publication_ptr* find_sole(const client_id& client) const {
    return sole_.find(client, client.hash());
  }
  const lists* find_other(const client_id& client) const;
  /// What the client has, as lists, which may be empty as yet.
  lists& widen(const client_id& client);
  /// Puts it where its client is. @returns what was there before, null if nothing
  publication_ptr put_row(const publication_ptr& x);
  /// A client has come, or gone.
  void count(const client_id& client, int more);
  /// Something was taken out of it: it goes if that was the last.
  void tidy(other_clients::iterator i);
  bool publishes(const lease& x) const;
  bool subscribes(const lease& x) const;
  void schedule_publisher(const lease_ptr& x, steady_time due, steady_time now);
  void schedule_subscriber(const lease_ptr& x, steady_time due, steady_time now);
  void check_publisher(const lease_ptr& x, steady_time now, const lapse_rules& rules,
                       std::vector<lapse>& lapses);
  void check_subscriber(const lease_ptr& x, steady_time now, const lapse_rules& rules,
                        std::vector<lapse>& lapses);

  /// What those publish who publish for one service and subscribe none, as nearly all do.
  publication_set sole_;
  /// The rest. Who once is among them stays there, so that no walk misses anyone.
  other_clients others_;
  lease_checks publisher_checks_;
  lease_checks subscriber_checks_;
  std::size_t persistent_clients_ = 0;
  std::size_t publications_ = 0;
  std::size_t subscriptions_ = 0;
};

} // namespace nacre
