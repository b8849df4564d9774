#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "actors/raise_to.hpp"

namespace nacre {

/// Makes the versions of records, so that what a client asked for later wins, on whichever node:
/// the nodes agree on one time, that of the fastest clock among them. It begins with the wall clock
/// and then runs with the steady one, so a step of the wall clock changes nothing, and nodes that
/// are cut off from each other still count alike. A stamp is that time in µs with the node's number
/// in the cluster in its low bits, so no two nodes make the same. Any thread.
class hybrid_clock {
public:
  hybrid_clock(std::int64_t wall_ms, std::int64_t steady_ms)
    : ahead_us_((wall_ms - steady_ms) * 1'000) {}

  /// A stamp above all that were made here before, and above `at_least`.
  std::int64_t next(std::int64_t steady_ms, std::int64_t at_least = 0) {
    auto last = last_us_.load();
    std::int64_t now = 0;
    do
      now = std::max({now_us(steady_ms), last + 1, (at_least >> number_bits) + 1});
    while (!last_us_.compare_exchange_weak(last, now));
    return now << number_bits | number_.load();
  }

  /// A stamp of another node was heard: its clock is at least that far.
  void observe(std::int64_t stamp, std::int64_t steady_ms) {
    raise_to(ahead_us_, (stamp >> number_bits) - steady_ms * 1'000);
  }

  /// The time as a stamp.
  std::int64_t now(std::int64_t steady_ms) const { return now_us(steady_ms) << number_bits; }

  static std::int64_t to_ms(std::int64_t stamp) { return (stamp >> number_bits) / 1'000; }

  /// This node's place among the members.
  void set_number(std::size_t number) { number_ = static_cast<std::int64_t>(number) & number_max; }

private:
  static constexpr int number_bits = 10;
  static constexpr std::int64_t number_max = (1 << number_bits) - 1;

  std::int64_t now_us(std::int64_t steady_ms) const { return ahead_us_ + steady_ms * 1'000; }

  /// How far the common time is ahead of the steady clock.
  std::atomic<std::int64_t> ahead_us_;
  std::atomic<std::int64_t> last_us_{0};
  std::atomic<std::int64_t> number_{0};
};

} // namespace nacre
