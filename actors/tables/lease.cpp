#include "actors/tables/lease.hpp"

namespace nacre {

renewal_result lease_table::renew(const hashed_service_key& service, std::string_view ip,
                                  std::uint16_t port, steady_time now) const {
  address key{service.view, ip, port, hash_of(service.hash, ip, port)};
  auto& part = stripe_of(key.hash);
  std::shared_lock guard(part.lock);
  auto known = part.leases.find(key, key.hash);
  if (!known)
    return {};
  const lease& x = **known;
  x.renewed.store(now, std::memory_order_relaxed);
  if (!x.has_beaten.load(std::memory_order_relaxed))
    x.has_beaten.store(true, std::memory_order_relaxed);
  if (x.responsible_elsewhere.load(std::memory_order_relaxed))
    note_renewal(*known);
  renewal_result result;
  result.state = x.healthy.load(std::memory_order_relaxed) ? renewal::renewed : renewal::unhealthy;
  if (x.own_interval.load(std::memory_order_relaxed))
    result.beat_interval = x.beat_interval.load(std::memory_order_relaxed);
  return result;
}

void lease_table::note_renewal(const lease_ptr& x) const {
  if (!x->responsible_elsewhere || x->passing_on.exchange(true))
    return;
  std::lock_guard guard(renewed_lock_);
  renewed_elsewhere_.push_back(x);
}

std::vector<lease_ptr> lease_table::take_renewed_elsewhere() {
  std::vector<lease_ptr> taken;
  {
    std::lock_guard guard(renewed_lock_);
    taken.swap(renewed_elsewhere_);
  }
  for (auto& x : taken)
    x->passing_on = false;
  return taken;
}

void lease_table::insert(const lease_ptr& x) {
  auto& part = stripe_of(hash_of(*x));
  std::unique_lock guard(part.lock);
  part.leases.put(x);
}

std::size_t lease_table::size() const {
  std::size_t n = 0;
  for (auto& part : stripes_) {
    std::shared_lock guard(part.lock);
    n += part.leases.size();
  }
  return n;
}

} // namespace nacre
