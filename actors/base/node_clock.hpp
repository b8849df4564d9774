#pragma once

#include <functional>

#include "actors/base/clocks.hpp"
#include "actors/base/hybrid_clock.hpp"

namespace nacre {

/// Where a node's time comes from: the machine's clocks, or those of a test.
struct clock_source {
  std::function<wall_time()> wall = wall_now;
  std::function<steady_time()> steady = steady_now;
};

/// The clocks of one node. Any thread.
class node_clock {
public:
  explicit node_clock(clock_source source)
    : source_(std::move(source)), common(source_.wall(), source_.steady()) {}

  /// For people and for what is sent; may step.
  wall_time wall() const { return source_.wall(); }

  /// What the wall clock showed then.
  wall_time wall(steady_time then) const { return wall() - (steady() - then); }

  /// For terms and waits.
  steady_time steady() const { return source_.steady(); }

private:
  const clock_source source_;

public:
  /// What the nodes of a cluster agree on: the versions of records are made of it.
  hybrid_clock common;
};

} // namespace nacre
