#pragma once

#include "bench/fleet.hpp"

#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace nacre::bench {

/// One answer of the observer: when, how long it took, and what its list held.
struct sighting {
  std::int64_t at_ns = 0;
  std::int64_t wait_ns = 0;
  std::size_t service = 0;
  std::uint32_t hosts = 0;
  std::uint32_t unhealthy = 0;
};

/// What a client notices: a thread with a connection of its own that queries some service every
/// `interval_ns`. A query waits from the moment when it was due, so that a pause of the server
/// shows in all queries that fall into it and not in one.
class scale_observer {
public:
  struct result {
    std::vector<sighting> seen;
    std::int64_t late_ns = 0; // of the observer itself at most, which hides in the waits

    /// Microseconds that `share` of the queries did not wait longer than.
    [[nodiscard]] double wait_us(double share) const;
    [[nodiscard]] double longest_ms() const { return wait_us(1) / 1e3; }
  };

  /// Asks for services below `services`, one after the other in an order that jumps.
  scale_observer(const boost::asio::ip::tcp::endpoint& address, const fleet& all,
                 std::size_t services, std::int64_t interval_ns);
  ~scale_observer();
  scale_observer(const scale_observer&) = delete;
  scale_observer& operator=(const scale_observer&) = delete;

  /// Ends it. Throws `failure` if it got a wrong answer.
  result stop();

private:
  void observe();

  boost::asio::ip::tcp::endpoint address_;
  const fleet& all_;
  std::size_t services_;
  std::int64_t interval_ns_;
  std::atomic<bool> ends_ = false;
  std::exception_ptr error_;
  result result_;
  std::thread thread_;
};

} // namespace nacre::bench
