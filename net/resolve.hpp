#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

namespace nacre {

using resolved_endpoints = boost::asio::ip::tcp::resolver::results_type;

/// Finds the endpoints of a host: at once if it is an address, as IPv6 without brackets, else by
/// `async_resolve`. That needs a thread, which Asio makes for the first name of an `io_context`:
/// where the system has none left, this one look-up fails and the next tries again. `done` is
/// called later, on the thread of the resolver, also after a `cancel` of it.
void resolve(boost::asio::ip::tcp::resolver& resolver, const std::string& host, std::uint16_t port,
             std::function<void(boost::system::error_code, const resolved_endpoints&)> done);

} // namespace nacre
