#include <utility>

#include "http/net/udp_socket.hpp"

#include <boost/asio/ip/v6_only.hpp>
#include <spdlog/spdlog.h>

#include "protocol/push_packet.hpp"

namespace nacre {

namespace net = boost::asio;
using udp = net::ip::udp;

udp_socket::udp_socket(net::io_context& io, const std::shared_ptr<node_context>& context)
  : context_(context), v4_(io), v6_(io) {
  auto& address = context->options.http.address;
  auto own = address.empty() ? net::ip::address() : net::ip::make_address(address);
  // An IPv6 address that is none in particular stands for all of IPv4 as well, as for HTTP.
  if (address.empty() || own == net::ip::address_v6::any()) {
    open(v4_, {udp::v4(), 0});
    open(v6_, {udp::v6(), 0});
  } else {
    open(own.is_v4() ? v4_ : v6_, {own, 0});
  }
}

void udp_socket::open(endpoint_state& x, const udp::endpoint& own) {
  auto protocol = own.protocol();
  boost::system::error_code ec;
  x.socket.open(protocol, ec);
  if (!ec && protocol == udp::v6())
    x.socket.set_option(net::ip::v6_only(true), ec);
  if (!ec)
    x.socket.bind(own, ec);
  // A full send buffer drops the datagram, as a full network would; it is sent again later.
  if (!ec)
    x.socket.non_blocking(true, ec);
  if (ec)
    x.socket.close(ec);
}

void udp_socket::start() {
  for (auto x : {&v4_, &v6_})
    if (x->socket.is_open())
      do_receive(*x);
}

void udp_socket::send(const std::string& ip, std::uint16_t port,
                      std::shared_ptr<const std::string> datagram) {
  boost::system::error_code ec;
  auto address = net::ip::make_address(ip, ec);
  if (ec)
    return;
  auto& x = address.is_v4() ? v4_ : v6_;
  if (x.socket.is_open())
    x.socket.send_to(net::buffer(*datagram), udp::endpoint(address, port), 0, ec);
  if (ec)
    spdlog::debug("push-not-sent to {}:{}: {}", ip, port, ec.message());
}

void udp_socket::do_receive(endpoint_state& x) {
  x.socket.async_receive_from(
    net::buffer(x.buffer), x.sender,
    [self = shared_from_this(), &x](boost::system::error_code ec, std::size_t size) {
      if (ec == net::error::operation_aborted)
        return;
      if (!ec) // an error is an earlier datagram's: nobody listens there
        self->on_receive(x, size);
      self->do_receive(x);
    });
}

void udp_socket::on_receive(const endpoint_state& x, std::size_t size) {
  auto number = parse_push_ack({x.buffer.data(), size});
  auto context = context_.lock();
  if (!number || !context)
    return;
  caf::anon_send(context->actors.udp_push.get(),
                 udp_ack{x.sender.address().to_string(), x.sender.port(), *number});
}

} // namespace nacre
