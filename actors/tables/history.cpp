#include "actors/tables/history.hpp"

#include <algorithm>

namespace nacre {

namespace {

/// Of a ring that is full: most services have few events, so it grows in small steps, each to a
/// size of which the allocator has pieces.
constexpr std::size_t next_capacity(std::size_t size) {
  return size < 8 ? std::max<std::size_t>(1, 2 * size)
                  : std::min(history_book::events_max, size + (size < 10 ? 2 : 3));
}

} // namespace

std::string_view to_string(change_kind x) {
  constexpr std::string_view names[] = {"registered", "updated",    "removed",      "unhealthy",
                                        "healthy",    "subscribed", "unsubscribed", "rebuilt"};
  static_assert(std::size(names) == static_cast<std::size_t>(change_kind::rebuilt) + 1);
  return names[static_cast<std::size_t>(x)];
}

std::string_view to_string(change_reason x) {
  constexpr std::string_view names[] = {"request",
                                        "beat",
                                        "beats stopped",
                                        "queries stopped",
                                        "restart",
                                        "connection closed",
                                        "connection silent",
                                        "peer",
                                        "peer lost",
                                        "a persistent instance was agreed on",
                                        "probe"};
  static_assert(std::size(names) == static_cast<std::size_t>(change_reason::probe) + 1);
  return names[static_cast<std::size_t>(x)];
}

history_book::stored_event::stored_event(change_event x)
  : at_ms(to_ms(x.at)),
    what(static_cast<std::int8_t>(x.what)),
    why(static_cast<std::int8_t>(x.why)),
    who(std::move(x.who)),
    by(x.by ? shared_text(*x.by) : shared_text()) {}

change_event history_book::stored_event::event() const {
  return {wall_time(milliseconds(at_ms)), who,
          by.empty() ? nullptr : std::make_shared<const std::string>(by.str()),
          static_cast<change_kind>(what), static_cast<change_reason>(why)};
}

void history_book::forget_oldest() {
  // Some at a time, since they have to be found among all.
  auto count = std::max<std::size_t>(1, services_max_ / 16);
  std::vector<std::uint64_t> ages;
  ages.reserve(entries_.size());
  for (auto& [service, x] : entries_)
    ages.push_back(x.changed);
  auto last = ages.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(ages.begin(), last, ages.end());
  std::erase_if(entries_, [limit = *last](auto& x) { return x.second.changed <= limit; });
}

void history_book::add(const service_ref& service, change_event event) {
  std::lock_guard guard(lock_);
  auto& x = entries_[service];
  x.changed = ++changes_;
  if (entries_.size() > services_max_)
    forget_oldest();
  if (x.ring.size() < events_max) {
    if (x.ring.size() == x.ring.capacity())
      x.ring.reserve(next_capacity(x.ring.size()));
    x.ring.emplace_back(std::move(event));
  } else {
    x.ring[x.next] = stored_event(std::move(event));
    x.next = (x.next + 1) % events_max;
  }
}

std::vector<change_event> history_book::events(const service_key_view& service) const {
  std::lock_guard guard(lock_);
  auto known = entries_.find(service);
  if (known == entries_.end())
    return {};
  auto& x = known->second;
  auto split = x.ring.begin() + static_cast<std::ptrdiff_t>(x.next);
  std::vector<change_event> result;
  result.reserve(x.ring.size());
  auto add = [&](const stored_event& event) { result.push_back(event.event()); };
  std::for_each(split, x.ring.end(), add);
  std::for_each(x.ring.begin(), split, add);
  return result;
}

} // namespace nacre
