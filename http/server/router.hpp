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
  address_budget& answers() const { return env_.context->tables.answers; }

  /// Room for a body of which not all has come yet.
  address_budget& bodies() const { return env_.context->tables.bodies; }

  /// The answer, or nothing if `sink` gets it later.
  std::optional<reply> handle(const http_request& request, std::shared_ptr<reply_sink> sink) const;

private:
  class confirmed_read;

  /// What became of a read that is handled again, in another place.
  struct detours {
    /// It sees all that was acknowledged before it came.
    bool confirmed = false;
    /// It is where it may take long.
    bool aside = false;
  };

  const route* find(std::string_view path) const;
  /// As above; notes what held the thread for long.
  std::optional<reply> handle(const http_request& request, std::shared_ptr<reply_sink> sink,
                              detours made) const;
  std::optional<reply> answer_of(const http_request& request, std::shared_ptr<reply_sink> sink,
                                 detours made) const;
  std::optional<reply> serve(http_call& c, std::string_view path, detours made) const;
  std::optional<reply> read_aside(const http_call& c, detours made) const;

  api_environment env_;
  route_table routes_;
};

} // namespace nacre
