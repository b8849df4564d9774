#pragma once

#include <algorithm>
#include <cstdint>

#include "actors/base/clocks.hpp"

namespace nacre {

/// How many frames a connection may send that cost us work and are no call: settings, pings,
/// resets, priorities, window updates. Frames that are sent to it earn more of them, since these
/// need some. Pure. Frames of kinds that nobody knows are skipped, which costs next to nothing.
class frame_allowance {
public:
  static constexpr std::int64_t points_max = 10'000;
  /// What comes back by itself.
  static constexpr std::int64_t points_per_second = 1'000;

  // Prices.
  static constexpr std::int64_t control_frame = 1;
  /// The call that it ends may have cost us much.
  static constexpr std::int64_t reset = 10;
  static constexpr std::int64_t broken_frame = 10;
  static constexpr std::int64_t excessive_headers = 500;
  // Earnings.
  static constexpr std::int64_t sent_frame = 4;

  explicit frame_allowance(steady_time now) : at_(now) {}

  /// @returns false if it has no more
  bool spend(std::int64_t price, steady_time now) {
    auto gained = (now - at_).count() * points_per_second / 1'000;
    if (gained > 0) {
      at_ = now;
      earn(gained);
    }
    points_ -= price;
    return points_ >= 0;
  }

  void earn(std::int64_t points) { points_ = std::min(points_ + points, points_max); }

private:
  std::int64_t points_ = points_max;
  steady_time at_;
};

} // namespace nacre
