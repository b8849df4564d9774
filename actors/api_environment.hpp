#pragma once

#include <functional>
#include <string>

#include "actors/node_context.hpp"

namespace nacre {

/// The actor system side that handlers need to send messages.
struct api_environment {
  node_context_ptr context;
  /// Whether the node serves; false while it starts and stops.
  std::function<bool()> ready;
  /// `ip:port` of this node as others reach it.
  std::string own_ip;
  std::int64_t started_ms = 0;
};

} // namespace nacre
