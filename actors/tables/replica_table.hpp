#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "actors/tables/publication.hpp"
#include "protocol/cluster_message.hpp"

namespace nacre {

/// An incarnation of a node that holds connections.
struct connection_owner {
  std::string node;
  std::int64_t incarnation = 0;
};

using connection_owner_ptr = std::shared_ptr<const connection_owner>;

/// One publication as this node knows it of the whole cluster, its own ones included.
struct replica {
  /// Says which client of which service; of `what`, or what the client held last.
  lease_ptr lease;
  std::int64_t version = 0;
  record_state state = record_state::healthy;
  /// Null unless alive.
  publication_ptr what = nullptr;
  /// Of a connection of another node; else null.
  connection_owner_ptr owner = nullptr;
  /// Since when it is gone.
  steady_time gone_since{};
};

/// All records of a node in buckets by client, each with a digest of what lives in it, so that two
/// nodes find what differs by comparing digests. A record is written by one actor only:
/// that of its connection, else its CLIENT SHARD. Any thread; a short lock on one bucket.
///
/// What is gone stays as a tombstone for a while, and at most so many do: anybody can deregister
/// what was never there, or register and deregister in turn. Beyond the bound the oldest is
/// forgotten. A peer that has not heard of the end by then may bring the record back; it goes when
/// its lease lapses, or when its connection's node is asked.
class replica_table {
public:
  static constexpr std::size_t buckets_count = 1024;

  /// @param tombstones_max ends that are remembered, those of what lives again included
  explicit replica_table(std::size_t tombstones_max = 250'000) : tombstones_max_(tombstones_max) {}

  /// The same on every node.
  static std::size_t bucket_of(const client_id& client);

  std::optional<replica> find(const client_id& client, const service_key_view& service) const;

  /// Adds a record or replaces the one of the same client and service.
  void put(replica x);

  /// As `put`, of one that lives, with the version that `next` makes of the one before, 0 if there
  /// is none.
  template <class F>
  void put_next(replica x, F next) {
    auto& p = parts_[bucket_of(x.lease->client)];
    std::lock_guard guard(p.lock);
    auto i = p.records.find(x.lease);
    x.version = next(i == p.records.end() ? 0 : i->second.what.version);
    put(p, i, std::move(x));
  }

  /// As `put`, unless what is there is as new or newer.
  void put_if_newer(replica x);

  std::vector<replica> bucket(std::size_t index) const;

  std::vector<std::uint64_t> digests() const;

  /// Forgets what is gone since before `limit`, and what is beyond the bound, the oldest first.
  void sweep(steady_time limit, std::size_t at_most = SIZE_MAX);

  template <class F>
  void for_each(F f) const {
    for (std::size_t i = 0; i < buckets_count; ++i)
      for (auto& x : bucket(i))
        f(x);
  }

  std::size_t alive() const { return alive_; }
  std::size_t size() const { return size_; }

private:
  struct key {
    const client_id& client;
    service_key_view service;
  };

  struct hasher {
    using is_transparent = void;
    std::size_t operator()(const key& x) const { return x.client.hash() * 31 + x.service.hash(); }
    std::size_t operator()(const lease_ptr& x) const {
      return (*this)(key{x->client, x->service->view()});
    }
  };

  struct equal {
    using is_transparent = void;
    static key of(const lease_ptr& x) { return {x->client, x->service->view()}; }
    static key of(const key& x) { return x; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      auto x = of(a);
      auto y = of(b);
      return x.client == y.client && x.service == y.service;
    }
  };

  struct entry {
    replica what;
    /// What it adds to the bucket's digest; 0 unless alive.
    std::uint64_t digest = 0;
  };

  using record_map = std::unordered_map<lease_ptr, entry, hasher, equal>;

  struct part {
    mutable std::mutex lock;
    record_map records;
    std::uint64_t digest = 0;
  };

  struct tombstone {
    lease_ptr lease;
    steady_time since;
  };

  static std::uint64_t digest_of(const replica& x);
  /// In place of `i`, or as a new one. Under the lock of `p`.
  void put(part& p, record_map::iterator i, replica x);
  /// The oldest, if it is to be forgotten.
  std::optional<tombstone> take_tombstone(steady_time limit);

  const std::size_t tombstones_max_;
  std::array<part, buckets_count> parts_;
  std::atomic<std::size_t> alive_{0};
  std::atomic<std::size_t> size_{0};
  /// Taken under a bucket's lock, never the other way round.
  std::mutex tombstones_lock_;
  /// In the order in which they came; their records may live again.
  std::deque<tombstone> tombstones_;
};

} // namespace nacre
