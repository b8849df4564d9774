#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include <ctime>

#include "actors/base/clocks.hpp"

namespace nacre {

/// What held an I/O or actor thread for too long: others waited for it. Any thread.
class stall_log {
public:
  static constexpr milliseconds threshold{20};

  struct stall {
    std::string what;
    milliseconds lasted{};
    wall_time at{};
  };

  void note(std::string what, milliseconds lasted, wall_time at);

  /// The last ones, newest last.
  std::vector<stall> recent() const;
  /// How many there were.
  std::uint64_t count() const;

private:
  static constexpr std::size_t kept_max = 50;

  mutable std::mutex lock_;
  std::deque<stall> recent_;
  std::uint64_t count_ = 0;
  wall_time told_{};
};

/// Times one piece of work on its thread by the coarse clock of the machine, which costs next to
/// nothing and is exact to a few milliseconds.
class work_timer {
public:
  work_timer() : began_(now_ms()) {}

  milliseconds elapsed() const { return milliseconds(now_ms() - began_); }

  bool is_stall() const { return elapsed() >= stall_log::threshold; }

private:
  static std::int64_t now_ms() {
    timespec x{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &x);
    return static_cast<std::int64_t>(x.tv_sec) * 1000 + x.tv_nsec / 1'000'000;
  }

  std::int64_t began_;
};

} // namespace nacre
