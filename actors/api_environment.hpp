#pragma once

#include <functional>
#include <random>
#include <string>

#include "actors/node_context.hpp"

namespace nacre {

/// The actor system side that handlers need to send messages.
struct api_environment {
  node_context_ptr context;
  /// Whether the node serves; false while it starts and stops.
  std::function<bool()> ready;
  /// Address of this node as others reach it.
  std::string own_ip;
  /// When the process began to serve.
  wall_time started{};
  /// Random numbers, for ids that nobody shall guess; tests put their own in.
  std::function<std::uint32_t()> random = [] { return std::uint32_t(std::random_device()()); };
  /// Runs a read that takes long, which an address asks for, on a thread of its own, or tells that
  /// too many wait for that. Empty: such reads are handled as any other.
  std::function<outcome(const std::string& address, std::function<void()> read)> run_aside =
    nullptr;
};

} // namespace nacre
