#pragma once

#include "bench/answer_reader.hpp"
#include "bench/fleet.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

struct sampler_options {
  std::size_t samples = 0;
  std::chrono::milliseconds interval{};
  std::chrono::milliseconds timeout{}; // for the last pushes
};

struct sampler_report {
  std::vector<std::int64_t> push_ns; // from sending the POST to the push with its instance
  std::vector<std::int64_t> post_ns; // from sending the POST to its answer
  std::size_t datagrams = 0;
  std::size_t gzipped = 0;
  std::size_t lost = 0;
  std::uint64_t hash = 0; // of the instances that were pushed
};

/// Sample i registers a new instance at service i. The samples do not wait for each other: a server
/// that pushes on a slow tick would otherwise always be asked right after a tick.
class push_sampler {
public:
  /// Binds the UDP port that the subscriptions have to name.
  push_sampler(const fleet& all, const sampler_options& options,
               const boost::asio::ip::tcp::endpoint& address);

  [[nodiscard]] std::uint16_t udp_port() const { return udp_.local_endpoint().port(); }

  /// Takes all samples. Throws `failure` for a wrong answer or a datagram that is no push.
  sampler_report run();

private:
  struct sample {
    std::string request;
    std::string host; // how the instance shows in a push
    std::int64_t sent_ns = 0;
    std::int64_t push_ns = -1;
  };

  void await_tick();
  void post();
  void read_answer();
  void await_datagram();
  void on_datagram(std::size_t size, std::int64_t arrived_ns);
  void acknowledge(const std::string& text);
  void await_last();

  sampler_options options_;
  std::string marker_; // begins the grouped names of our services
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::socket tcp_;
  boost::asio::ip::udp::socket udp_;
  boost::asio::steady_timer tick_;
  answer_reader reader_;
  std::vector<char> datagram_;
  boost::asio::ip::udp::endpoint sender_;
  std::minstd_rand random_{1}; // always the same times
  std::vector<sample> samples_;
  std::int64_t begin_ns_ = 0;
  std::size_t posted_ = 0;
  std::size_t arrived_ = 0;
  bool answered_ = true;
  sampler_report report_;
};

} // namespace nacre::bench
