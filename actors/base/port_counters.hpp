#pragma once

#include <atomic>
#include <cstdint>

namespace nacre {

/// What happened to the connections of a gRPC port since the start. Any thread.
struct port_counters {
  std::atomic<std::uint64_t> accepted{0};
  /// Ended because of what they sent: floods of frames, or what is no HTTP/2 of ours.
  std::atomic<std::uint64_t> floods{0};
  std::atomic<std::uint64_t> broken{0};
  /// Ended since they did not begin in time, made no call for too long, or took nothing.
  std::atomic<std::uint64_t> late{0};
  std::atomic<std::uint64_t> idle{0};
  std::atomic<std::uint64_t> stalled{0};
  /// Calls that failed since too much of their messages waited to be complete.
  std::atomic<std::uint64_t> partial_refused{0};
  /// Answers of clients beyond the requests that they were sent: dropped.
  std::atomic<std::uint64_t> answers_unasked{0};
};

} // namespace nacre
