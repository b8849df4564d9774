#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace nacre {

/// How long a supervisor waits before it starts a failed actor again: at once the first time,
/// then longer with every failure that follows within a minute. The caller brings the time in ms.
class restart_delay {
public:
  std::chrono::milliseconds next(std::int64_t now_ms) {
    if (failures_ > 0 && now_ms - last_ms_ > forget_after_ms)
      failures_ = 0;
    last_ms_ = now_ms;
    ++restarts_;
    if (failures_++ == 0)
      return std::chrono::milliseconds(0);
    return std::chrono::milliseconds(
      std::min<std::int64_t>(delay_max_ms, 50ll << std::min(failures_ - 2, 10u)));
  }

  /// How often the actor was started again in all.
  std::uint32_t restarts() const { return restarts_; }

private:
  static constexpr std::int64_t forget_after_ms = 60'000;
  static constexpr std::int64_t delay_max_ms = 5'000;

  std::int64_t last_ms_ = 0;
  std::uint32_t failures_ = 0;
  std::uint32_t restarts_ = 0;
};

} // namespace nacre
