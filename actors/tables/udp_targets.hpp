#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "actors/base/clocks.hpp"
#include "config/options.hpp"

namespace nacre {

/// What may be sent to addresses that a query named as its client's. Whoever asks may name anybody,
/// so an address that has not proved itself gets few datagrams and small ones, all services and
/// ports together; one proves itself by an acknowledgement, or by asking itself over TCP. Any
/// thread, one short lock.
class udp_targets {
public:
  explicit udp_targets(const push_options& terms) : terms_(terms) {}

  void prove(std::string_view ip, steady_time now);

  /// Whether one more datagram may go there now; counts it if so.
  bool admit(std::string_view ip, std::size_t bytes, steady_time now);

  std::size_t size() const;

private:
  /// Beyond this the longest unused go; each cost its maker a query.
  static constexpr std::size_t targets_max = 100'000;
  /// A proof counts this long, and so does what was sent without one.
  static constexpr milliseconds term{3'600'000};

  struct target {
    bool proved = false;
    unsigned sent = 0;
    steady_time last_sent{};
    steady_time used{};
  };

  target& at(std::string_view ip, steady_time now);

  const push_options& terms_;
  mutable std::mutex lock_;
  std::map<std::string, target, std::less<>> targets_;
  std::multimap<steady_time, std::string> by_use_;
};

} // namespace nacre
