#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace nacre {

/// Makes the versions of records: the wall clock, but rising on this node and above everything that
/// was heard of others, so that what was written later wins also where clocks differ. A stamp is
/// the time in µs with the node's number in the cluster in its low bits, so no two nodes make the
/// same. Any thread.
class hybrid_clock {
public:
  /// @param at_least a stamp that the new one has to be above
  std::int64_t next(std::int64_t wall_ms, std::int64_t at_least = 0) {
    auto last = last_us_.load();
    std::int64_t now = 0;
    do
      now = std::max({wall_ms * 1'000, last + 1, (at_least >> number_bits) + 1});
    while (!last_us_.compare_exchange_weak(last, now));
    return now << number_bits | number_.load();
  }

  /// A stamp of another node was heard: those made here from now on are above it.
  void observe(std::int64_t stamp) {
    auto heard = stamp >> number_bits;
    auto last = last_us_.load();
    while (last < heard && !last_us_.compare_exchange_weak(last, heard)) {
    }
  }

  /// The last stamp, or the wall clock if that is ahead of it.
  std::int64_t now(std::int64_t wall_ms) const {
    return std::max(wall_ms * 1'000, last_us_.load()) << number_bits;
  }

  static std::int64_t to_ms(std::int64_t stamp) { return (stamp >> number_bits) / 1'000; }

  /// This node's place among the members.
  void set_number(std::size_t number) { number_ = static_cast<std::int64_t>(number) & number_max; }

private:
  static constexpr int number_bits = 10;
  static constexpr std::int64_t number_max = (1 << number_bits) - 1;

  std::atomic<std::int64_t> last_us_{0};
  std::atomic<std::int64_t> number_{0};
};

} // namespace nacre
