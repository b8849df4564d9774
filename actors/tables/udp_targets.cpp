#include "actors/tables/udp_targets.hpp"

namespace nacre {

udp_targets::target& udp_targets::at(std::string_view ip, steady_time now) {
  auto i = targets_.find(ip);
  if (i == targets_.end()) {
    i = targets_.emplace(ip, target{.used = now}).first;
    by_use_.emplace(now, ip);
  }
  auto& x = i->second;
  if (now - x.used >= term)
    x = {.used = now};
  // Entries are looked at when they come up: what was used since goes back with its newer time.
  while (targets_.size() > targets_max || now - by_use_.begin()->first >= term) {
    auto oldest = by_use_.begin()->second;
    auto since = by_use_.begin()->first;
    by_use_.erase(by_use_.begin());
    auto found = targets_.find(oldest);
    if (found->second.used > since || &found->second == &x)
      by_use_.emplace(&found->second == &x ? now : found->second.used, oldest);
    else
      targets_.erase(found);
  }
  return x;
}

void udp_targets::prove(std::string_view ip, steady_time now) {
  std::lock_guard guard(lock_);
  auto& x = at(ip, now);
  x.proved = true;
  x.used = now;
}

bool udp_targets::admit(std::string_view ip, std::size_t bytes, steady_time now) {
  std::lock_guard guard(lock_);
  auto& x = at(ip, now);
  if (x.proved)
    return true;
  if (bytes > terms_.udp_unproved_bytes_max || x.sent >= terms_.udp_unproved_max
      || (x.sent > 0 && now - x.last_sent < terms_.udp_unproved_interval))
    return false;
  ++x.sent;
  x.last_sent = x.used = now;
  return true;
}

std::size_t udp_targets::size() const {
  std::lock_guard guard(lock_);
  return targets_.size();
}

} // namespace nacre
