#pragma once

#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace nacre::bench {

/// A server under load, and the name the report calls it by.
struct named_endpoint {
  std::string name;
  boost::asio::ip::tcp::endpoint address;
};

/// Reads `HOST:PORT`. Throws `usage_error` unless HOST is a loopback address or `localhost`: a load
/// generator pointed at somebody else's machine by a typing error is an attack.
boost::asio::ip::tcp::endpoint parse_loopback(const std::string& text);

/// Reads `NAME=HOST:PORT`, with the same rule.
named_endpoint parse_named_endpoint(const std::string& text);

} // namespace nacre::bench
