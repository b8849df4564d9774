#pragma once

#include "bench/fleet.hpp"
#include "bench/scale_observer.hpp"

#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nacre::bench {

/// What all parts of `scale_bench` share.
struct scale_options {
  boost::asio::ip::tcp::endpoint http;
  boost::asio::ip::tcp::endpoint grpc;
  std::int64_t pid = 0; // of the server; 0 = not known
  fleet all;
  std::size_t connections = 0;      // of HTTP
  std::size_t grpc_connections = 0; // each with an equal share of the instances
  double seconds = 0;
  double beats_per_second = 0; // 0 = half of what the core carries
  std::size_t stopped = 0;     // how many expire at once
};

/// How often each part's observer asks.
constexpr std::int64_t observer_interval_ns = 1'000'000;

/// Rates and processor time of the server, from part to part of a fill.
class fill_report {
public:
  explicit fill_report(const scale_options& options);

  /// After each answered registration.
  void on_answer(std::size_t answers);

  /// Compares the begin with the end.
  void print(std::string_view how) const;

private:
  struct mark {
    std::int64_t at_ns = 0;
    std::int64_t cpu_ns = 0;
  };

  [[nodiscard]] mark now() const;

  std::int64_t pid_;
  std::size_t step_;
  std::vector<mark> marks_;
};

/// Prints what the observer of one part saw of a quiet server or of one under load.
void print_waits(std::string_view what, const scale_observer::result& seen);

/// When clients saw that instances are unhealthy and gone. Times count from `from_ns`.
void print_expiry(const scale_observer::result& seen, std::size_t per_service,
                  std::int64_t from_ns);

void run_http_fill(const scale_options& options);
void run_http_beat(scale_options& options);
void run_http_expire(const scale_options& options);
/// Opens connections, registers, keeps alive, and closes some of them at once.
void run_grpc(const scale_options& options);

} // namespace nacre::bench
