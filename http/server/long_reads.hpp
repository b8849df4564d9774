#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include <boost/asio/thread_pool.hpp>

#include "actors/base/error.hpp"

namespace nacre {

/// A thread for reads that walk over all services or clients, or over much that one service has:
/// at a million instances they take from 50 ms to seconds, which on an I/O thread all its
/// connections would wait. One at a time; addresses that have some waiting take turns. Any thread
/// may post.
class long_reads {
public:
  long_reads();

  /// @param address who asks
  /// @returns `ec::unavailable` if too many wait already, in all or of this address, or after
  /// `stop`
  outcome post(const std::string& address, std::function<void()> read);

  /// Forgets what waits, and returns when the one under way is done.
  void stop();

private:
  static constexpr std::size_t waiting_max = 100;
  static constexpr std::size_t waiting_per_address_max = waiting_max / 4;

  void run_next();

  std::mutex lock_;
  std::map<std::string, std::deque<std::function<void()>>> waiting_;
  std::size_t waiting_count_ = 0;
  bool stopped_ = false;
  /// Each address with some waiting, once.
  std::deque<std::string> turns_;
  boost::asio::thread_pool thread_{1};
};

} // namespace nacre
