#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "actors/base/clocks.hpp"

namespace nacre {

/// How long a supervisor waits before it starts a failed actor again: at once the first time,
/// then longer with every failure that follows within a minute. The caller brings the time.
class restart_delay {
public:
  std::chrono::milliseconds next(steady_time now) {
    if (failures_ > 0 && now - last_ > forget_after)
      failures_ = 0;
    last_ = now;
    ++restarts_;
    if (failures_++ == 0)
      return std::chrono::milliseconds(0);
    return std::min(delay_max, milliseconds(50ll << std::min(failures_ - 2, 10u)));
  }

  /// How often the actor was started again in all.
  std::uint32_t restarts() const { return restarts_; }

private:
  static constexpr milliseconds forget_after{60'000};
  static constexpr milliseconds delay_max{5'000};

  steady_time last_{};
  std::uint32_t failures_ = 0;
  std::uint32_t restarts_ = 0;
};

} // namespace nacre
