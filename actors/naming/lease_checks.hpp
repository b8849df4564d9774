#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <queue>
#include <vector>

#include "actors/tables/lease.hpp"

namespace nacre {

/// Which leases have to be looked at, and when: a queue by time. What is not due at once waits
/// unsorted with all others of the same moment, as a heap of a million costs a cache miss a level.
/// One thread.
class lease_checks {
public:
  void push(steady_time due, lease_ptr lease);

  /// Whether anything is due by `now`.
  bool has_due(steady_time now);

  /// What is due first; only after `has_due`.
  lease_ptr take();

private:
  struct check {
    steady_time due;
    lease_ptr lease;
    bool operator<(const check& other) const { return due > other.due; }
  };

  /// One behind the other from `sorted_until_`: some seconds, which is as far ahead as anyone
  /// looks.
  static constexpr milliseconds moment{64};
  static constexpr std::size_t moments = 128;

  /// The first moment comes among the sorted.
  void sort_first();

  /// All that is due before this, ...
  steady_time sorted_until_{};
  /// ... and some that was put in too far ahead.
  std::priority_queue<check, std::deque<check>> sorted_;
  std::array<std::vector<check>, moments> later_;
  std::size_t first_ = 0;
  std::size_t in_later_ = 0;
};

} // namespace nacre
