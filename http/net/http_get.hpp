#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "config/options.hpp"

namespace nacre {

/// What to ask whom, and what is too much.
struct http_get_request {
  /// A host name or an address, IPv6 without brackets.
  std::string host;
  std::uint16_t port = 80;
  std::string target = "/";
  /// For all of it: the host's address, connecting, asking and the whole answer.
  milliseconds timeout{2'000};
  std::size_t body_bytes_max = 64 * 1024;
};

struct http_get_result {
  /// Empty: the answer was 200 and this is its body.
  std::string problem;
  std::string body;
};

/// One GET on a connection of its own. `done` is called once, from `io`, and not at all if `io`
/// ends before.
void http_get(boost::asio::io_context& io, http_get_request request,
              std::function<void(http_get_result)> done);

} // namespace nacre
