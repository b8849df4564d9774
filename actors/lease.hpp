#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "protocol/client_id.hpp"
#include "protocol/metadata.hpp"
#include "protocol/service_key.hpp"

namespace nacre {

/// The hold that one client has on one service, as publisher or as subscriber. Whoever hears of
/// the client renews it from any thread; the CLIENT SHARD of the client alone decides what
/// follows when it is not renewed. Times are ms of the steady clock.
struct lease : boost::intrusive_ref_counter<lease, boost::thread_safe_counter> {
  lease(service_ref svc, client_id cl, std::int64_t now_ms, lease_terms terms = {})
    : service(std::move(svc)), client(std::move(cl)), renewed_ms(now_ms) {
    set_terms(terms);
  }

  void set_terms(const lease_terms& x) const {
    beat_interval_ms = x.beat_interval_ms;
    beat_timeout_ms = x.beat_timeout_ms;
    delete_timeout_ms = x.delete_timeout_ms;
  }

  const service_ref service;
  const client_id client;
  mutable std::atomic<std::int64_t> renewed_ms;
  /// Its terms count from this time at least: a node that becomes responsible for a client gives
  /// it a fresh one, though it heard nothing.
  mutable std::atomic<std::int64_t> terms_from_ms{0};
  /// Terms in force: those of the effective instance, overrides included.
  mutable std::atomic<std::uint32_t> beat_interval_ms;
  mutable std::atomic<std::uint32_t> beat_timeout_ms;
  mutable std::atomic<std::uint32_t> delete_timeout_ms;
  /// `lastRefTime` of the newest list a subscriber was sent: an older one never follows.
  mutable std::atomic<std::int64_t> pushed_ref_time_ms{0};
  /// False once beats stopped; a beat of an unhealthy lease has to go to its shard.
  mutable std::atomic<bool> healthy{true};
  /// Metadata `enableClientBeat` takes it out of the checks.
  mutable std::atomic<bool> exempt{false};
  /// Another node of the cluster judges whether the client lives: beats are passed on to it.
  mutable std::atomic<bool> judged_elsewhere{false};
  /// Its CLIENT SHARD looks at it in time; only that one's business.
  mutable bool looked_after = false;
  /// It waits in the table's list of renewals to pass on.
  mutable std::atomic<bool> passing_on{false};
  /// The metadata sets a beat interval of its own, else the node's switch holds.
  mutable std::atomic<bool> own_interval{false};
};

using lease_ptr = boost::intrusive_ptr<const lease>;

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
  std::uint32_t beat_interval_ms = 0;
};

/// All leases of a node by service and address, so that a beat is one look-up and one store and
/// never enters a mailbox (design §2.3). Any thread; short locks on one of many stripes.
class lease_table {
public:
  renewal_result renew(const service_key_view& service, std::string_view ip, std::uint16_t port,
                       std::int64_t now_ms) const;

  /// The client of `x` was heard of here; if another node judges it, that is to be passed on.
  void note_renewal(const lease_ptr& x) const;

  /// Takes the leases renewed since the last time that other nodes judge, each once.
  std::vector<lease_ptr> take_renewed_elsewhere();

  /// The lease of an address, null if there is none.
  lease_ptr find(const service_key_view& service, std::string_view ip, std::uint16_t port) const;

  /// Puts `x` in, in place of an older lease of the same client and service.
  void insert(const lease_ptr& x);

  /// Removes `x` itself (not a successor) if `condition()` still holds while no renewal can
  /// come between. @returns whether it is gone.
  template <class Condition>
  bool erase_if(const lease_ptr& x, Condition condition) {
    auto& part = stripe_of(hash_of(x->service->view(), x->client.ip, x->client.port));
    std::unique_lock guard(part.lock);
    auto i = part.leases.find(x);
    if (i == part.leases.end() || *i != x)
      return true;
    if (!condition())
      return false;
    part.leases.erase(i);
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
      std::erase_if(part.leases, [&](const lease_ptr& x) { return condition(*x); });
    }
  }

  /// Runs `f` while no renewal of `x` can come between.
  template <class F>
  void exclusively(const lease_ptr& x, F f) {
    auto& part = stripe_of(hash_of(x->service->view(), x->client.ip, x->client.port));
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

  static std::size_t hash_of(const service_key_view& service, std::string_view ip,
                             std::uint16_t port) {
    return (service.hash() * 31 + std::hash<std::string_view>{}(ip)) * 0x9E3779B97F4A7C15ull
           + port * 0xC2B2AE3D27D4EB4Full;
  }

  struct hasher {
    using is_transparent = void;
    std::size_t operator()(const address& x) const { return x.hash; }
    std::size_t operator()(const lease_ptr& x) const {
      return hash_of(x->service->view(), x->client.ip, x->client.port);
    }
  };

  struct equal {
    using is_transparent = void;
    bool operator()(const lease_ptr& a, const address& b) const {
      return a->client.port == b.port && a->client.ip == b.ip && a->service->view() == b.service;
    }
    bool operator()(const address& a, const lease_ptr& b) const { return (*this)(b, a); }
    bool operator()(const lease_ptr& a, const lease_ptr& b) const {
      return a->client.port == b->client.port && a->client.ip == b->client.ip
             && a->service->view() == b->service->view();
    }
  };

  struct stripe {
    mutable std::shared_mutex lock;
    std::unordered_set<lease_ptr, hasher, equal> leases;
  };

  static constexpr std::size_t stripes_count = 64;

  const stripe& stripe_of(std::size_t hash) const { return stripes_[(hash >> 32) % stripes_count]; }
  stripe& stripe_of(std::size_t hash) { return stripes_[(hash >> 32) % stripes_count]; }

  std::vector<stripe> stripes_{stripes_count};

  mutable std::mutex renewed_lock_;
  mutable std::vector<lease_ptr> renewed_elsewhere_;
};

} // namespace nacre
