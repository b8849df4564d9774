#pragma once

#include <memory>
#include <optional>

#include "http/server/routes.hpp"

namespace nacre {

/// From request to answer: finds the route, runs the filters of its family in Nacos' order, calls
/// the handler. No socket. Any thread; handlers only read shared tables and
/// send messages.
class router {
public:
  /// @param more routes of a test build
  explicit router(api_environment environment, void (*more)(route_table&) = nullptr);

  node_counters& counters() const { return env_.context->counters; }

  /// Room for an answer that its client has not taken yet.
  answer_budget& answers() const { return env_.context->tables.answers; }

  /// The answer, or nothing if `sink` gets it later.
  std::optional<reply> handle(const http_request& request, std::shared_ptr<reply_sink> sink) const;

private:
  class confirmed_read;

  const route* find(std::string_view path) const;
  /// @param confirmed a read that sees all that was acknowledged before it came
  std::optional<reply> answer_of(const http_request& request, std::shared_ptr<reply_sink> sink,
                                 bool confirmed = false) const;
  std::optional<reply> serve(http_call& c, std::string_view path, bool confirmed) const;

  api_environment env_;
  route_table routes_;
};

} // namespace nacre
