#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace nacre {

/// Something that another thread has for a connection.
class posted {
public:
  virtual ~posted() = default;

  /// On the thread of the connection.
  virtual void on_posted() = 0;
};

/// What actors answer and push, on its way to the connections of one I/O thread. Whatever comes
/// before that thread gets to it goes along with the first one: a thread is woken once per round,
/// not once per answer, and a connection writes once for all of it. Any thread.
class http2_inbox : public std::enable_shared_from_this<http2_inbox> {
public:
  /// @param after_round is called on the I/O thread when all of a round have been told
  http2_inbox(boost::asio::io_context& io, std::function<void()> after_round)
    : io_(&io), after_round_(std::move(after_round)) {}

  void post(std::shared_ptr<posted> x);

  /// From here on nothing is delivered. On the I/O thread, or when it does not run.
  void close();

private:
  void deliver();

  std::mutex lock_;
  /// Null once it is closed.
  boost::asio::io_context* io_;
  std::vector<std::shared_ptr<posted>> waiting_;
  /// On the I/O thread.
  std::function<void()> after_round_;
};

} // namespace nacre
