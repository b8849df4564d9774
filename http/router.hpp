#pragma once

#include <memory>
#include <optional>

#include "http/routes.hpp"

namespace nacre {

/// From request to answer: finds the route, runs the filters of its family in Nacos' order, calls
/// the handler (http-api.md §1.9). No socket. Any thread; handlers only read shared tables and
/// send messages.
class router {
public:
  /// @param more routes of a test build
  explicit router(api_environment environment, void (*more)(route_table&) = nullptr);

  /// The answer, or nothing if `sink` gets it later.
  std::optional<reply> handle(const http_request& request, std::shared_ptr<reply_sink> sink) const;

  const api_environment& environment() const { return env_; }

private:
  const route* find(std::string_view path) const;
  std::optional<reply> serve(call& c, std::string_view path) const;

  api_environment env_;
  route_table routes_;
};

} // namespace nacre
