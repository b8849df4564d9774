#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "net/socket_events.hpp"

namespace nacre {

/// What one of the threads has: whatever is posted or timed runs in `io`, and connections hear from
/// `sockets`.
struct io_thread {
  boost::asio::io_context io{1};
  socket_events sockets{io};
};

/// The threads that read and write all sockets of the node. A connection stays on one of them, so
/// whatever belongs to a connection needs no lock.
class io_threads {
public:
  /// @param count as configured; 0 for one per usable core
  explicit io_threads(std::size_t count);
  ~io_threads();
  io_threads(const io_threads&) = delete;
  io_threads& operator=(const io_threads&) = delete;

  /// Before it what is posted waits.
  void start();

  /// Ends the threads, each after the handler it is in. Not on one of them.
  void stop();

  std::size_t size() const { return threads_.size(); }
  io_thread& at(std::size_t i) { return *threads_[i]; }

  /// The first thread's context, for who needs only one.
  boost::asio::io_context& front() { return at(0).io; }

  /// Runs `task(i)` on each thread and returns when all have; in the caller's if the threads do not
  /// run. Not on one of them.
  void on_each(const std::function<void(std::size_t)>& task);

  /// Returns when all that is in the queues of the threads has run. Not on one of them.
  void drain() {
    on_each([](std::size_t) {});
  }

  /// Runs `end(i)` on each thread until none has found anything to end: what ended just now has
  /// handlers in the queue of its thread still. For at most `patience`, if there is one. Then it
  /// drains the queues: nobody comes back to what `end` has ended. Not on one of them.
  void end_on_each(const std::function<bool(std::size_t)>& end,
                   std::optional<std::chrono::milliseconds> patience = std::nullopt);

private:
  struct running_thread : io_thread {
    /// Keeps the thread waiting while nothing is there to be done.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      io.get_executor()};
    std::thread thread;
  };

  std::vector<std::unique_ptr<running_thread>> threads_;
  bool runs_ = false;
};

} // namespace nacre
