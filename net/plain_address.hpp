#pragma once

#include <boost/asio/ip/address.hpp>

namespace nacre {

/// IPv4 as such: a socket of both families tells it as a part of IPv6 (`::ffff:10.0.0.1`), and no
/// list, log or history is to show one client under two names.
inline boost::asio::ip::address plain_address(const boost::asio::ip::address& x) {
  if (x.is_v6() && x.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, x.to_v6());
  return x;
}

} // namespace nacre
