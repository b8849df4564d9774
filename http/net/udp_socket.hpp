#pragma once

#include <array>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "actors/node_context.hpp"

namespace nacre {

/// The socket UDP PUSH sends from and acks come back to: one for IPv4, one for IPv6 where the
/// machine has it, at the address the node listens on and ports the system chooses. `send` from any
/// thread; receives on the context's.
class udp_socket final : public datagram_sink, public std::enable_shared_from_this<udp_socket> {
public:
  udp_socket(boost::asio::io_context& io, const std::shared_ptr<node_context>& context);

  /// Begins to receive; from here on it lives as long as the context runs.
  void start();

  void send(const std::string& ip, std::uint16_t port,
            std::shared_ptr<const std::string> datagram) override;

private:
  struct endpoint_state {
    explicit endpoint_state(boost::asio::io_context& io) : socket(io) {}
    boost::asio::ip::udp::socket socket;
    boost::asio::ip::udp::endpoint sender;
    std::array<char, 2048> buffer{};
  };

  void open(endpoint_state& x, const boost::asio::ip::udp::endpoint& own);
  void do_receive(endpoint_state& x);
  void on_receive(const endpoint_state& x, std::size_t size);

  std::weak_ptr<node_context> context_;
  endpoint_state v4_;
  endpoint_state v6_;
};

} // namespace nacre
