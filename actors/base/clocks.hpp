#pragma once

#include <chrono>
#include <cstdint>

#include "config/options.hpp"

/// Times as types, so that a steady time can't be taken for a wall time or for a span, and the
/// clocks of the machine, for the edge and as what a node is given. Any thread.
namespace nacre {

struct steady_tag {};
struct wall_tag {};

/// A moment of the steady clock: for terms and waits. It never steps, and means nothing to others.
using steady_time = std::chrono::time_point<steady_tag, milliseconds>;

/// A moment for people and for what is sent; the clock may step.
using wall_time = std::chrono::time_point<wall_tag, milliseconds>;

/// A span in four bytes: 49 days at most.
using short_span = std::chrono::duration<std::uint32_t, std::milli>;

/// Before all times, with room to reckon with it: where an `std::optional` can't be.
inline constexpr steady_time never = steady_time(milliseconds::min() / 2);

inline wall_time wall_now() {
  using namespace std::chrono;
  return wall_time(duration_cast<milliseconds>(system_clock::now().time_since_epoch()));
}

inline steady_time steady_now() {
  using namespace std::chrono;
  return steady_time(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()));
}

/// As numbers, for what is sent and shown.
inline std::int64_t to_ms(milliseconds x) { return x.count(); }
template <class Tag>
std::int64_t to_ms(std::chrono::time_point<Tag, milliseconds> x) {
  return x.time_since_epoch().count();
}

} // namespace nacre
