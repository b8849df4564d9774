#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "actors/base/clocks.hpp"
#include "grpc/http2/frame_space.hpp"
#include "grpc/http2/http2_inbox.hpp"
#include "grpc/http2/http2_limits.hpp"
#include "net/io_threads.hpp"

namespace nacre {

class http2_connection;
using http2_connection_ptr = std::shared_ptr<http2_connection>;

/// What one I/O thread has of a port, or of the connections that this node opens: its connections,
/// and the clock that looks after them. On that thread, but for `inbox`.
class http2_worker {
public:
  /// @param thread has to outlive it, like `common`
  http2_worker(io_thread& thread, http2_common& common);

  /// Looks after its connections from now on.
  void start();

  void add(const http2_connection_ptr& x) { connections_.push_back(x); }

  /// The connection has something to send: it does so at the end of this round.
  void mark(http2_connection_ptr x);

  /// No connection is left that is not about to go. @returns whether there was one
  bool end_all();

  /// Tells all connections that the node takes no more calls.
  void go_away();

  /// Ends the connection nobody knows that was idle for longest.
  void make_room();

  std::size_t connections() const { return connections_.size(); }

  boost::asio::io_context& io;
  socket_events& sockets;
  http2_common& common;
  const std::shared_ptr<http2_inbox> inbox;

  /// For the time of one handler: what is read, written, and what TLS makes of it.
  struct buffers {
    std::string in = std::string(64 * 1024, '\0');
    std::string plain;
    std::string out;
    std::string cipher;

    /// A large answer leaves no large buffer behind.
    void shrink();
  };
  buffers space;
  /// Of the sessions of its connections, which may outlive it.
  const std::shared_ptr<frame_space> frames = std::make_shared<frame_space>();

private:
  void flush_marked();
  void watch();
  void on_tick();

  /// How late something may be noticed.
  milliseconds tick_;
  boost::asio::steady_timer timer_;
  std::vector<std::weak_ptr<http2_connection>> connections_;
  std::vector<http2_connection_ptr> marked_;
  bool flush_posted_ = false;
  bool stopped_ = false;
};

} // namespace nacre
