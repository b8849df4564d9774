#pragma once

#include "bench/answer_reader.hpp"
#include "bench/poller.hpp"

#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

/// What to send, how fast and until when.
struct load_plan {
  std::function<std::string(std::size_t number)> make;
  /// Throws `failure` if the answer of status 200 is wrong.
  std::function<void(std::string_view body)> check;
  /// Requests per second, whether answers come or not. Infinite: on each connection the next
  /// request once the answer to the one before has come.
  double per_second = std::numeric_limits<double>::infinity();
  std::size_t count = std::numeric_limits<std::size_t>::max();
  /// Called after each answer with their number; false ends the run.
  std::function<bool(std::size_t answers)> goes_on = [](std::size_t) { return true; };
};

struct load_result {
  std::size_t answers = 0;
  double seconds = 0;
  double busy = 0; // of the generator's core
  /// The largest number of requests that were due and found no free connection.
  std::size_t behind_max = 0;
  std::vector<std::uint32_t> latencies_ns; // from the sending

  [[nodiscard]] double per_second() const { return static_cast<double>(answers) / seconds; }
};

/// Keep-alive connections to one server, all in the calling thread. In an open loop a request that
/// finds all connections waiting for answers is sent later, and counted in `behind_max`.
class scale_load {
public:
  scale_load(const boost::asio::ip::tcp::endpoint& address, std::size_t connections);
  ~scale_load();

  /// Throws `failure` for a wrong answer and when none comes for 10 s.
  load_result run(const load_plan& plan);

private:
  class connection;

  [[nodiscard]] std::size_t due() const;
  void send_due();

  poller loop_;
  std::vector<std::unique_ptr<connection>> all_;
  std::vector<connection*> idle_;
  const load_plan* plan_ = nullptr;
  load_result result_;
  std::size_t sent_ = 0;
  bool ends_ = false;
  std::int64_t begin_ns_ = 0;
  std::int64_t last_ns_ = 0;
};

} // namespace nacre::bench
