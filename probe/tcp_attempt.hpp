#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "probe/attempt.hpp"

namespace nacre {

/// Asks whether a port is open: connects, and no more (Nacos `TcpHealthCheckProcessor`).
class tcp_attempt : public attempt {
public:
  tcp_attempt(probe_loop& loop, probe_order order, const endpoint& target,
              std::shared_ptr<probe_batch> batch);

  void start() override;

protected:
  virtual void on_connected() { finish(well("connected")); }

  void close() override;

  boost::asio::ip::tcp::socket& socket() { return socket_; }

private:
  void on_connect(const boost::system::error_code& ec);

  boost::asio::ip::tcp::socket socket_;
};

} // namespace nacre
