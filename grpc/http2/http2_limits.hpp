#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "actors/base/clocks.hpp"
#include "actors/base/port_counters.hpp"
#include "grpc/http2/refusal_log.hpp"

namespace nacre {

/// Bounds of the connections of one port, or of those that this node opens.
struct http2_limits {
  /// Calls of one connection under way at one time.
  std::uint32_t streams_max = 1'000;
  /// Bytes of one message that comes in.
  std::size_t message_bytes_max = 10 * 1024 * 1024;
  /// Bytes of the headers of one call.
  std::size_t header_bytes_max = 16 * 1024;
  /// Bytes of messages which are not complete, of one connection that the node knows, ...
  std::size_t partial_bytes_max = 32 * 1024 * 1024;
  /// ... of one that it does not, ...
  std::size_t stranger_partial_bytes_max = 4 * 1024 * 1024;
  /// ... and of all of them. Strangers may have a quarter of it.
  std::size_t all_partial_bytes_max = 256 * 1024 * 1024;
  /// TLS, and the first frames, have to be there within this time.
  milliseconds handshake_patience{5'000};
  /// A connection that the node does not know ends when it made no call for this long.
  milliseconds stranger_idle{60'000};
  /// Ping after this time without traffic, and how long its answer may take.
  milliseconds keepalive_time{7'200'000};
  milliseconds keepalive_timeout{20'000};
};

/// Bytes that all connections of a port may hold together. Any thread.
class byte_pool {
public:
  explicit byte_pool(std::size_t max) : max_(max) {}

  /// @param part of the whole that may be in use then, as its reciprocal
  bool take(std::size_t bytes, std::size_t part = 1) {
    if (used_.fetch_add(bytes) + bytes <= max_ / part)
      return true;
    used_ -= bytes;
    return false;
  }
  void give_back(std::size_t bytes) { used_ -= bytes; }

  std::size_t used() const { return used_; }

private:
  const std::size_t max_;
  std::atomic<std::size_t> used_{0};
};

/// What all connections of one port share.
struct http2_common {
  /// @param counted has to outlive it
  http2_common(const http2_limits& bounds, port_counters& counted)
    : limits(bounds), partial(bounds.all_partial_bytes_max), counters(counted) {}

  const http2_limits limits;
  byte_pool partial;
  port_counters& counters;
  /// Which ends are worth a line.
  refusal_log refusals;
};

} // namespace nacre
