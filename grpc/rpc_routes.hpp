#pragma once

#include <string_view>

namespace nacre {

/// The two methods that both ports have, as Nacos' services name them (`Request`,
/// `BiRequestStream`).
enum rpc_route : int { unary_route, stream_route };

inline constexpr std::string_view unary_path = "/Request/request";
inline constexpr std::string_view stream_path = "/BiRequestStream/requestBiStream";

/// Negative for any other path.
inline int rpc_route_of(std::string_view path) {
  if (path == unary_path)
    return unary_route;
  return path == stream_path ? stream_route : -1;
}

} // namespace nacre
