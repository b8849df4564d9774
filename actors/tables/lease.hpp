#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/base/pointer_set.hpp"
#include "protocol/client_id.hpp"
#include "protocol/keyed_hash.hpp"
#include "protocol/metadata.hpp"
#include "protocol/service_key.hpp"

namespace nacre {

/// The hold that one client has on one service, as publisher or as subscriber. Whoever hears of
/// the client renews it from any thread; the CLIENT SHARD of the client alone decides what
/// follows when it is not renewed.
struct lease : boost::intrusive_ref_counter<lease, boost::thread_safe_counter> {
  lease(service_ref svc, client_id cl, steady_time now, lease_terms terms = {})
    : service(std::move(svc)), client(std::move(cl)), renewed(now) {
    set_terms(terms);
  }

  void set_terms(const lease_terms& x) const {
    beat_interval = short_span(x.beat_interval_ms);
    beat_timeout = short_span(x.beat_timeout_ms);
    delete_timeout = short_span(x.delete_timeout_ms);
  }

  // In an order that leaves no gaps: it fills 80 bytes.
  /// Terms in force: those of the effective instance, overrides included.
  mutable std::atomic<short_span> beat_interval;
  const service_ref service;
  const client_id client;
  mutable std::atomic<steady_time> renewed;
  /// Its terms count from this time at least: a node that becomes responsible for a client gives
  /// it a fresh one, though it heard nothing.
  mutable std::atomic<steady_time> term_starts{steady_time{}};
  mutable std::atomic<short_span> beat_timeout;
  mutable std::atomic<short_span> delete_timeout;
  /// `lastRefTime` of the newest list a subscriber was sent: an older one never follows.
  mutable std::atomic<wall_time> pushed_ref_time{wall_time{}};
  /// False once beats stopped; a beat of an unhealthy lease has to go to its shard.
  mutable std::atomic<bool> healthy{true};
  /// Metadata `enableClientBeat` takes it out of the checks.
  mutable std::atomic<bool> exempt{false};
  /// Another node of the cluster is responsible for the client: beats are passed on to it.
  mutable std::atomic<bool> responsible_elsewhere{false};
  /// Its CLIENT SHARD looks at it in time; only that one's business.
  mutable bool check_scheduled = false;
  /// It waits in the table's list of renewals to pass on.
  mutable std::atomic<bool> passing_on{false};
  /// The metadata sets a beat interval of its own, else the node's switch holds.
  mutable std::atomic<bool> own_interval{false};
  /// A beat came since this node knows it: only then beats can stop.
  mutable std::atomic<bool> has_beaten{false};
};

static_assert(sizeof(lease) <= 80);

using lease_ptr = boost::intrusive_ptr<const lease>;

inline lease_ptr make_lease(service_ref service, client_id client, steady_time now,
                            lease_terms terms = {}) {
  return new lease(std::move(service), std::move(client), now, terms);
}

enum class renewal : std::uint8_t {
  /// Done; nothing changed for anybody.
  renewed,
  /// Renewed, but the instance is marked unhealthy: its shard has to hear of the beat.
  unhealthy,
  /// Nobody registered this.
  unknown,
};

struct renewal_result {
  renewal state = renewal::unknown;
  /// Interval that the instance's own metadata asks for, 0 if none.
  short_span beat_interval{0};
};

/// All leases of a node by service and address, so that a beat is one look-up and one store and
/// never enters a mailbox. Any thread; short locks on one of many stripes.
class lease_table {
public:
  renewal_result renew(const hashed_service_key& service, std::string_view ip, std::uint16_t port,
                       steady_time now) const;

  /// The client of `x` was heard here; passed on if another node is responsible for it.
  void note_renewal(const lease_ptr& x) const;

  /// Drains the leases renewed here since the last call whose responsible node is another one.
  std::vector<lease_ptr> take_renewed_elsewhere();

  /// Puts `x` in, in place of an older lease of the same client and service.
  void insert(const lease_ptr& x);

  /// Removes `x` itself (not a successor) if `condition()` still holds while no renewal can
  /// come between. @returns whether it is gone.
  template <class Condition>
  bool erase_if(const lease_ptr& x, Condition condition) {
    auto& part = stripe_of(hash_of(*x));
    std::unique_lock guard(part.lock);
    auto known = part.leases.find(*x);
    if (!known || *known != x)
      return true;
    if (!condition())
      return false;
    part.leases.erase(*x);
    return true;
  }

  void erase(const lease_ptr& x) {
    erase_if(x, [] { return true; });
  }

  /// Removes every lease for which `condition(const lease&)` holds.
  template <class Condition>
  void erase_all_if(Condition condition) {
    for (auto& part : stripes_) {
      std::unique_lock guard(part.lock);
      part.leases.erase_if(condition);
    }
  }

  /// Calls `f(const lease&)` with some that stand for all, about `wanted`; with all if they are
  /// few.
  template <class F>
  void sample(std::size_t wanted, F f) const {
    auto share = size() <= wanted ? wanted : wanted / stripes_count;
    for (auto& part : stripes_) {
      std::shared_lock guard(part.lock);
      part.leases.some(share, f); // in the order of their hashes
    }
  }

  /// Runs `f` while no renewal of `x` can come between.
  template <class F>
  void exclusively(const lease_ptr& x, F f) {
    auto& part = stripe_of(hash_of(*x));
    std::unique_lock guard(part.lock);
    f();
  }

  std::size_t size() const;

private:
  struct address {
    service_key_view service;
    std::string_view ip;
    std::uint16_t port;
    std::size_t hash;
  };

  static std::size_t hash_of(std::size_t service, std::string_view ip, std::uint16_t port) {
    return (service * 31 + keyed_hash(ip)) * 0x9E3779B97F4A7C15ull + port * 0xC2B2AE3D27D4EB4Full;
  }

  static std::size_t hash_of(const lease& x) {
    return hash_of(x.service->hash, x.client.ip, x.client.port);
  }

  struct hasher {
    std::size_t operator()(const lease& x) const { return hash_of(x); }
  };

  struct equal {
    bool operator()(const lease& a, const address& b) const {
      return a.client.port == b.port && a.client.ip == b.ip && a.service->view() == b.service;
    }
    bool operator()(const lease& a, const lease& b) const {
      return a.client.port == b.client.port && a.client.ip == b.client.ip && a.service == b.service;
    }
  };

  struct stripe {
    mutable std::shared_mutex lock;
    pointer_set<const lease, hasher, equal> leases;
  };

  static constexpr std::size_t stripes_count = 64;

  const stripe& stripe_of(std::size_t hash) const { return stripes_[(hash >> 32) % stripes_count]; }
  stripe& stripe_of(std::size_t hash) { return stripes_[(hash >> 32) % stripes_count]; }

  std::vector<stripe> stripes_{stripes_count};

  mutable std::mutex renewed_lock_;
  mutable std::vector<lease_ptr> renewed_elsewhere_;
};

} // namespace nacre
