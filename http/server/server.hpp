#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/options.hpp"
#include "http/server/answer_queue.hpp"
#include "http/server/router.hpp"

namespace nacre {

/// The listener and its I/O threads. Each thread has an `io_context` of its own and a connection
/// stays on one thread, so sessions need no lock and no strand.
class http_server {
public:
  http_server(const http_options& options, router routes);
  ~http_server();

  /// Binds the port and begins to accept. @throws std::runtime_error that names address and
  /// cause if it can't
  void start();

  /// Stops accepting, lets requests under way finish for at most `grace`, ends all connections and
  /// threads.
  void stop(milliseconds grace);

  const http_options& options() const { return options_; }
  const router& routes() const { return routes_; }
  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return connections_; }

  /// The first thread's context, for others who need sockets.
  boost::asio::io_context& io() { return workers_.front()->io; }

  /// By a session at its end.
  void on_session_end(const std::string& address);

private:
  /// One I/O thread; all but `io` and `answers` is touched on that thread only.
  struct worker {
    boost::asio::io_context io{1};
    answer_queue answers{io};
    boost::asio::steady_timer deadline_timer{io};
    /// Sessions to be checked for slow clients and told of the end.
    std::vector<std::weak_ptr<http_session>> sessions;
    std::thread thread;
  };

  struct listener {
    explicit listener(boost::asio::io_context& io) : acceptor(io), pause(io) {}

    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::steady_timer pause;
  };

  /// At the configured address, else on both families, else on IPv4. One socket each: IPv4 through
  /// a socket of IPv6 took 7 % more processor time a request.
  boost::system::error_code listen_where_told();
  boost::system::error_code listen(const boost::asio::ip::tcp::endpoint& endpoint);
  void do_accept(listener& at);
  /// Goes on to accept once there is room.
  void accept_next(listener& at);
  void on_accept(listener& at, worker& owner, boost::system::error_code ec,
                 boost::asio::ip::tcp::socket socket);
  void watch_deadlines(worker& x);
  /// Counts one more connection of the address. @returns false at the bound
  bool admit(const std::string& address);
  static void refuse(boost::asio::ip::tcp::socket socket);
  /// On the worker's thread. @returns false if none is idle
  static bool end_longest_idle(worker& x);

  const http_options& options_;
  const std::size_t connections_max_;
  router routes_;
  std::atomic<std::size_t> connections_{0};
  std::atomic<bool> stopping_{false};
  std::mutex addresses_lock_;
  std::map<std::string, std::size_t> by_address_;
  /// After what sessions use at their end: the last of them end with their thread's context.
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::unique_ptr<listener>> listeners_;
  std::size_t next_worker_ = 0;
  std::uint16_t port_ = 0;
};

} // namespace nacre
