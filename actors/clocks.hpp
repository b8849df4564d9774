#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

/// The clocks of the machine, for the edge and as what a node is given: actors ask their own.
/// Any thread.
namespace nacre {

/// Before all times, with room to add to it.
inline constexpr std::int64_t long_ago_ms = std::numeric_limits<std::int64_t>::min() / 2;

inline std::int64_t wall_now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// As leases count.
inline std::int64_t steady_now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

} // namespace nacre
