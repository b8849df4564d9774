#pragma once

#include "actors/base/clocks.hpp"

/// Times of tests are written as plain milliseconds.
namespace nacre::test {

constexpr steady_time at(std::int64_t ms) { return steady_time(milliseconds(ms)); }
constexpr wall_time wall_at(std::int64_t ms) { return wall_time(milliseconds(ms)); }

} // namespace nacre::test
