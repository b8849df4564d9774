#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/options.hpp"
#include "http/server/answer_queue.hpp"
#include "http/server/router.hpp"
#include "net/tcp_listener.hpp"

namespace nacre {

/// The port for HTTP, on the node's I/O threads. Started and stopped by the main thread.
class http_server final : public connection_taker {
public:
  /// @param threads have to run until `stop` has returned
  http_server(io_threads& threads, const http_options& options, router routes);
  ~http_server() override;

  /// Binds the port and begins to accept. @throws std::runtime_error that names address and
  /// cause if it can't
  void start();

  /// Stops accepting, lets requests under way finish for at most `grace`, ends all connections.
  void stop(milliseconds grace);

  const http_options& options() const { return options_; }
  const router& routes() const { return routes_; }
  std::uint16_t port() const { return listener_->port(); }
  std::size_t connections() const { return listener_->connections(); }

private:
  /// What one I/O thread has of HTTP; all but `io` and `answers` is touched on that thread only.
  struct worker {
    explicit worker(io_thread& thread) : io(thread.io), sockets(thread.sockets) {}

    boost::asio::io_context& io;
    socket_events& sockets;
    answer_queue answers{io, sockets};
    boost::asio::steady_timer deadline_timer{io};
    /// Sessions to be checked for slow clients and told of the end.
    std::vector<std::weak_ptr<http_session>> sessions;
  };

  void take(std::size_t thread, stream_socket socket, connection_place place,
            bool crowded) override;
  void refuse(stream_socket socket) override;
  void on_scarce(const std::string& why) override;
  void on_plenty() override;

  void watch_deadlines(worker& x);
  /// On the worker's thread. @returns false if none is idle
  static bool end_longest_idle(worker& x);
  /// Ends what the worker has left, on its thread. @returns whether there was anything
  static bool end_all(worker& x);

  io_threads& threads_;
  const http_options& options_;
  const router routes_;
  std::vector<std::unique_ptr<worker>> workers_;
  const std::shared_ptr<tcp_listener> listener_;
  std::atomic<bool> stopping_{false};
};

} // namespace nacre
