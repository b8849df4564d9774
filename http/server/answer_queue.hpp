#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "http/server/reply.hpp"
#include "net/socket_events.hpp"

namespace nacre {

class http_session;

/// Answers on their way to the sessions of one I/O thread, which are sent in a row: those of the
/// requests that it read in a row, and whatever actors answer before it gets to that. So a thread
/// is woken once per round, not once per answer, and neither the caches of this core nor a client
/// that waits on another are bothered once per answer.
class answer_queue {
public:
  using session_ptr = std::shared_ptr<http_session>;

  answer_queue(boost::asio::io_context& io, socket_events& sockets) : io_(io), sockets_(sockets) {}

  /// Any thread.
  void add(session_ptr session, reply answer);

  /// On the I/O thread.
  void add_here(session_ptr session, reply answer);

  /// Runs `task` on the I/O thread. Any thread.
  void run(std::function<void()> task);

  /// Comes back to a session when others had their turn.
  void go_on_later(session_ptr session);

private:
  using waiting = std::vector<std::pair<session_ptr, reply>>;

  /// On the I/O thread.
  void deliver();

  boost::asio::io_context& io_;
  socket_events& sockets_;
  waiting here_;
  std::mutex lock_;
  waiting elsewhere_;
};

} // namespace nacre
