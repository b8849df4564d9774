#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/base/clocks.hpp"
#include "protocol/service_metadata.hpp"

namespace nacre {

/// A question to one target: is it well? (Nacos `HealthCheckProcessorV2`)
struct probe_order {
  /// Chosen by who asks; the answer carries it.
  std::uint64_t number = 0;
  /// A literal address.
  std::string ip;
  std::uint16_t port = 0;
  /// How; never NONE. Null: nothing is asked, `ip` is a host name and is looked up.
  std::shared_ptr<const health_checker> checker;
};

/// What came out (spec/semantics.md §3.2).
struct probe_answer {
  enum class kind : std::uint8_t {
    ok,
    /// Counts: several of them make it unhealthy.
    failed,
    /// Makes it unhealthy at once: it was refused, or the target says so itself.
    failed_for_sure,
  };
  /// What the next interval follows from.
  enum class pace : std::uint8_t {
    /// The time it took.
    measured,
    /// It takes twice as long until the next probe.
    slower,
    /// The longest interval.
    slowest,
  };
  std::uint64_t number = 0;
  kind what = kind::ok;
  pace next = pace::measured;
  milliseconds took{0};
  /// For operators, short and printable: `connected`, `status 503`, `refused`.
  std::string why;
  /// Of a look-up: where the name leads, IPv4 first; empty if nowhere.
  std::string address{};
};

/// Asks targets over the network; sockets in a process, scripted in tests.
class prober {
public:
  /// Called with some of the answers, on any thread.
  using listener = std::function<void(std::vector<probe_answer>)>;

  virtual ~prober() = default;

  /// Begins; each order is answered once, a look-up when the name servers have answered or their
  /// time is over, any other at the latest some seconds later. Any thread, never
  /// blocks.
  virtual void probe(std::vector<probe_order> orders, const listener& answers) = 0;
};

} // namespace nacre
