#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/options.hpp"
#include "http/router.hpp"

namespace nacre {

class http_session;

/// The listener and its I/O threads. Each thread has an `io_context` of its own and a connection
/// stays on one thread, so sessions need no lock and no strand.
class http_server {
public:
  http_server(const http_options& options, router routes);
  ~http_server();

  /// Binds the port and begins to accept. @throws boost::system::system_error if it can't bind
  void start();

  /// Stops accepting, lets requests under way finish for at most `grace`, ends all connections and
  /// threads.
  void stop(milliseconds grace);

  const http_options& options() const { return options_; }
  const router& routes() const { return routes_; }
  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return connections_; }

  /// The first thread's context, for others who need sockets.
  boost::asio::io_context& io() { return *contexts_.front(); }

  /// By a session at its end.
  void on_session_end() { --connections_; }

private:
  void do_accept();
  void on_accept(boost::system::error_code ec, boost::asio::ip::tcp::socket socket);
  void keep(const std::shared_ptr<http_session>& session);

  const http_options& options_;
  router routes_;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::vector<std::thread> threads_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_pause_;
  std::size_t next_context_ = 0;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_{0};
  std::atomic<bool> stopping_{false};

  /// Sessions to be told of the end; dead entries go when the list has doubled.
  std::mutex sessions_lock_;
  std::vector<std::weak_ptr<http_session>> sessions_;
  std::size_t sessions_sweep_at_ = 64;
};

} // namespace nacre
