#include "actors/history.hpp"

#include <algorithm>

namespace nacre {

std::string_view to_string(change_kind x) {
  constexpr std::string_view names[] = {"registered", "updated",    "removed",      "unhealthy",
                                        "healthy",    "subscribed", "unsubscribed", "rebuilt"};
  static_assert(std::size(names) == static_cast<std::size_t>(change_kind::rebuilt) + 1);
  return names[static_cast<std::size_t>(x)];
}

std::string_view to_string(change_reason x) {
  constexpr std::string_view names[]
    = {"request", "beat",       "beats stopped",     "queries stopped",
       "restart", "connection closed", "connection silent"};
  static_assert(std::size(names)
                == static_cast<std::size_t>(change_reason::connection_silent) + 1);
  return names[static_cast<std::size_t>(x)];
}

void history_book::add(const service_ref& service, change_event event) {
  std::lock_guard guard(lock_);
  auto known = by_key_.find(service);
  if (known == by_key_.end()) {
    by_age_.push_front({service, {}, 0});
    known = by_key_.emplace(service, by_age_.begin()).first;
    if (by_age_.size() > services_max_) {
      by_key_.erase(by_age_.back().service);
      by_age_.pop_back();
    }
  } else {
    by_age_.splice(by_age_.begin(), by_age_, known->second);
  }
  auto& x = *known->second;
  if (x.ring.size() < events_max) {
    // Growing by half: most services have few events, and there is one ring per service.
    if (x.ring.size() == x.ring.capacity())
      x.ring.reserve(std::min(events_max, x.ring.size() + x.ring.size() / 2 + 1));
    x.ring.push_back(std::move(event));
  } else {
    x.ring[x.next] = std::move(event);
    x.next = (x.next + 1) % events_max;
  }
}

std::vector<change_event> history_book::events(const service_key_view& service) const {
  std::lock_guard guard(lock_);
  auto known = by_key_.find(service);
  if (known == by_key_.end())
    return {};
  auto& x = *known->second;
  auto split = x.ring.begin() + static_cast<std::ptrdiff_t>(x.next);
  std::vector<change_event> result(split, x.ring.end());
  result.insert(result.end(), x.ring.begin(), split);
  return result;
}

} // namespace nacre
