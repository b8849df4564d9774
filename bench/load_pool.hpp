#pragma once

#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nacre::bench {

/// One answer of status 200, and when its request left and when its last byte came.
struct timed_answer {
  std::string_view body;
  std::int64_t sent_ns = 0;
  std::int64_t done_ns = 0;
};

/// Says what to send next and judges what comes back.
class request_source {
public:
  virtual ~request_source() = default;

  /// The next request, which must outlive its answer, and in `ticket` the number its answer will
  /// come with; null once there is nothing more to send.
  virtual const std::string* next(std::size_t& ticket) = 0;

  /// Throws `failure` if the answer is wrong.
  virtual void on_answer(std::size_t ticket, const timed_answer& answer) = 0;
};

/// What a run cost the generator.
struct pool_report {
  double busy = 0;            // share of one core
  std::size_t reconnects = 0; // answers after which the server closed the connection
};

/// Sends what `source` gives over `connections` keep-alive connections, on each the next request
/// once the answer to the one before has come, until the source runs dry. Throws `failure` for any
/// status but 200 and when no answer comes for 10 s, so that it always ends.
pool_report run_pool(const boost::asio::ip::tcp::endpoint& address, std::size_t connections,
                     request_source& source);

} // namespace nacre::bench
