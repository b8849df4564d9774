#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include <boost/asio/thread_pool.hpp>

namespace nacre {

/// A thread for reads that walk over all services or clients, one after the other: at a million
/// instances they take from 50 ms to seconds, which on an I/O thread all its connections would
/// wait. Any thread may post.
class long_reads {
public:
  long_reads();

  /// @returns false if too many wait already
  bool post(std::function<void()> read);

  /// Forgets what waits, and returns when the one under way is done.
  void stop();

private:
  static constexpr std::size_t waiting_max = 100;

  std::atomic<std::size_t> waiting_{0};
  boost::asio::thread_pool thread_{1};
};

} // namespace nacre
