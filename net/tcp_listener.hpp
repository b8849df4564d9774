#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/connection_places.hpp"
#include "net/io_threads.hpp"
#include "net/stream_socket.hpp"

namespace nacre {

/// Where a port listens and how many connections it has at most.
struct listen_options {
  /// Empty or `::` for all addresses of both families.
  std::string address;
  /// 0 for any that is free.
  std::uint16_t port = 0;
  std::size_t connections_max = 0;
  std::size_t connections_per_address_max = 0;
};

/// The configured bound of a port, or what of the descriptors is left for it: half of them, as the
/// other port wants some, and the node itself has files and sockets.
std::size_t connections_bound(std::size_t configured);

/// What a port does with its connections. All of it on the first I/O thread, and none after
/// `tcp_listener::stop`.
class connection_taker {
public:
  virtual ~connection_taker() = default;

  /// A connection of the I/O thread `thread`.
  /// @param crowded there are as many as may be: it is welcome only in the place of another
  virtual void take(std::size_t thread, stream_socket socket, connection_place place,
                    bool crowded) = 0;

  /// The other end has as many connections as one address may have.
  virtual void refuse(stream_socket socket) = 0;

  /// No descriptor is left: connections that nobody needs should end.
  virtual void on_scarce(const std::string& why) = 0;

  /// A connection was accepted; `on_scarce` is over, if it ever began.
  virtual void on_plenty() = 0;
};

/// A TCP port: accepts connections and spreads them over the I/O threads.
class tcp_listener : public std::enable_shared_from_this<tcp_listener> {
public:
  tcp_listener(io_threads& threads, listen_options options, connection_taker& taker);

  /// Binds the port and begins to accept. @throws std::runtime_error that names address and cause
  /// if it can't
  void start();

  /// No connection is taken any more. Not on an I/O thread.
  void stop();

  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return places_->taken(); }

private:
  struct entrance {
    explicit entrance(boost::asio::io_context& io) : acceptor(io), pause(io) {}

    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::steady_timer pause;
  };

  /// At the configured address, else on both families, else on IPv4. One socket each: IPv4 through
  /// a socket of IPv6 took 7 % more processor time a request.
  boost::system::error_code listen_where_told();
  boost::system::error_code listen(const boost::asio::ip::tcp::endpoint& endpoint);
  void wait(entrance& at);
  /// Accepts who waits there.
  void on_waiting(entrance& at);
  void take(stream_socket socket, const boost::asio::ip::tcp::endpoint& from);
  /// Whether so many more than may be are about to end that the next has to wait for it.
  bool is_full() const;
  void go_on_after(entrance& at, std::chrono::milliseconds pause);

  io_threads& threads_;
  const listen_options options_;
  connection_taker& taker_;
  const std::shared_ptr<connection_places> places_;
  std::atomic<bool> stopped_{false};
  std::vector<std::unique_ptr<entrance>> entrances_;
  std::size_t next_thread_ = 0;
  std::uint16_t port_ = 0;
};

} // namespace nacre
