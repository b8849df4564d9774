#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "actors/base/clocks.hpp"
#include "actors/base/fetch_max.hpp"

namespace nacre {

/// Makes the versions of records, so that what a client asked for later wins, on whichever node:
/// the nodes agree on one time, that of the fastest clock among them. It begins with the wall clock
/// and then runs with the steady one, so a step of the wall clock changes nothing, and nodes that
/// are cut off from each other still count alike. A stamp is that time in µs with the node's number
/// in the cluster in its low bits, so no two nodes make the same. Any thread.
class hybrid_clock {
public:
  hybrid_clock(wall_time wall, steady_time steady)
    : ahead_us_(microseconds(wall) - microseconds(steady)) {}

  /// A stamp above all that were made here before, and above `at_least`.
  std::int64_t next(steady_time at, std::int64_t at_least = 0) {
    auto last = last_us_.load();
    std::int64_t now = 0;
    do
      now = std::max({now_us(at), last + 1, (at_least >> number_bits) + 1});
    while (!last_us_.compare_exchange_weak(last, now));
    return now << number_bits | number_.load();
  }

  /// A stamp of another node was heard: its clock is at least that far, and all that are made here
  /// from now on are above it.
  void observe(std::int64_t stamp, steady_time at) {
    fetch_max(ahead_us_, (stamp >> number_bits) - microseconds(at));
    fetch_max(last_us_, stamp >> number_bits);
  }

  /// The time as a stamp.
  std::int64_t now(steady_time at) const { return now_us(at) << number_bits; }

  static wall_time time_of(std::int64_t stamp) {
    return wall_time(milliseconds((stamp >> number_bits) / 1'000));
  }

  /// This node's place among the members.
  void set_number(std::size_t number) { number_ = static_cast<std::int64_t>(number) & number_max; }

private:
  static constexpr int number_bits = 10;
  static constexpr std::int64_t number_max = (1 << number_bits) - 1;

  template <class Time>
  static std::int64_t microseconds(Time x) {
    return to_ms(x) * 1'000;
  }

  std::int64_t now_us(steady_time at) const { return ahead_us_ + microseconds(at); }

  /// How far the common time is ahead of the steady clock.
  std::atomic<std::int64_t> ahead_us_;
  std::atomic<std::int64_t> last_us_{0};
  std::atomic<std::int64_t> number_{0};
};

} // namespace nacre
