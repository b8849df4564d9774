#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include <caf/all.hpp>

#include "actors/api_environment.hpp"

namespace nacre {

/// What all connections of the SDK port share. Any thread.
struct grpc_environment {
  api_environment api;
  caf::actor_system* system = nullptr;

  /// An id for a connection: `<ms>_<ip>_<port>`, never given before, as one port may connect twice
  /// within a millisecond.
  std::string next_id(const std::string& ip, std::uint16_t port) {
    auto last = last_id_ms_.load();
    auto next = last;
    do
      next = std::max(last + 1, to_ms(api.context->clock.wall()));
    while (!last_id_ms_.compare_exchange_weak(last, next));
    return std::to_string(next) + '_' + ip + '_' + std::to_string(port);
  }

private:
  std::atomic<std::int64_t> last_id_ms_{0};
};

} // namespace nacre
