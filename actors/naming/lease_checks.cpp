#include <utility>

#include "actors/naming/lease_checks.hpp"

#include <algorithm>

namespace nacre {

void lease_checks::push(steady_time due, lease_ptr lease) {
  if (due < sorted_until_)
    return sorted_.push({due, std::move(lease)});
  auto ahead = std::min(static_cast<std::size_t>((due - sorted_until_) / moment), moments - 1);
  later_[(first_ + ahead) % moments].push_back({due, std::move(lease)});
  ++in_later_;
}

bool lease_checks::has_due(steady_time now) {
  while (sorted_until_ <= now && in_later_ > 0)
    sort_first();
  if (in_later_ == 0)
    sorted_until_ = std::max(sorted_until_, now + moment);
  return !sorted_.empty() && sorted_.top().due <= now;
}

void lease_checks::sort_first() {
  auto due = std::exchange(later_[first_], {});
  in_later_ -= due.size();
  for (auto& x : due)
    sorted_.push(std::move(x));
  first_ = (first_ + 1) % moments;
  sorted_until_ += moment;
}

lease_ptr lease_checks::take() {
  // To count it up and down again would cost the cache miss of the lease.
  auto lease = std::move(const_cast<check&>(sorted_.top()).lease);
  sorted_.pop();
  return lease;
}

} // namespace nacre
