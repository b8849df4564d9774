#include "bench/endpoint.hpp"

#include "bench/failure.hpp"

#include <charconv>
#include <cstdint>
#include <string_view>

namespace nacre::bench {

boost::asio::ip::tcp::endpoint parse_loopback(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos)
    throw usage_error("wanted HOST:PORT, not " + text);
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  // The name is not resolved, since a resolver may answer with any address.
  if (host == "localhost")
    host = "127.0.0.1";
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error || !address.is_loopback())
    throw usage_error("only loopback addresses are loaded, not " + host);
  const std::string_view digits = std::string_view(text).substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc{} || end != digits.data() + digits.size() || port == 0)
    throw usage_error("no port in " + text);
  return {address, port};
}

named_endpoint parse_named_endpoint(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw usage_error("wanted NAME=HOST:PORT, not " + text);
  return {text.substr(0, equals), parse_loopback(text.substr(equals + 1))};
}

} // namespace nacre::bench
