#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/tables/lease.hpp"
#include "protocol/service_key.hpp"
#include "protocol/shared_text.hpp"

namespace nacre {

/// What happened to a client's hold on a service.
enum class change_kind : std::uint8_t {
  registered,
  updated,
  removed,
  unhealthy,
  healthy,
  subscribed,
  unsubscribed,
  /// The service's actor failed and was rebuilt from its clients.
  rebuilt,
};

/// Why it happened. Every removal has a cause.
enum class change_reason : std::uint8_t {
  /// The client, or somebody in its name, asked for it.
  request,
  /// A full beat of an unknown instance brought it (back).
  beat,
  /// No beat within the lease's terms.
  beats_stopped,
  /// The subscriber asked for no list any more.
  queries_stopped,
  /// The service's actor was restarted.
  restart,
  /// The client's gRPC connection ended.
  connection_closed,
  /// The client's gRPC connection answered no detection.
  connection_silent,
  /// Another node of the cluster said so.
  peer,
  /// The node that held the client's connection is lost.
  peer_lost,
  /// All nodes agreed on a persistent instance of the service.
  persistent_agreed,
  /// Its health checks.
  probe,
};

std::string_view to_string(change_kind x);
std::string_view to_string(change_reason x);

struct change_event {
  /// Wall clock.
  wall_time at{};
  /// Null for events of the service itself.
  lease_ptr who;
  /// Address the request came from; null if it is the instance's own or there was no request.
  std::shared_ptr<const std::string> by;
  change_kind what = change_kind::registered;
  change_reason why = change_reason::request;
};

/// The last changes of each service, so that "who removed this, and why" can be answered also
/// when the instance, the service or its actor is gone. Bounded: a ring per service; of too many
/// services those that changed longest ago are forgotten, some at a time. Any thread.
class history_book {
public:
  static constexpr std::size_t events_max = 16;

  explicit history_book(std::size_t services_max = 20'000) : services_max_(services_max) {}

  void add(const service_ref& service, change_event event);

  /// Oldest first; empty if nothing is known.
  std::vector<change_event> events(const service_key_view& service) const;

private:
  /// A `change_event` in 24 bytes: there are up to 16 of every service.
  struct stored_event {
    explicit stored_event(change_event x);
    change_event event() const;

    std::int64_t at_ms : 48;
    std::int64_t what : 8;
    std::int64_t why : 8;
    lease_ptr who;
    /// Empty for none.
    shared_text by;
  };

  struct entry {
    /// Number of the last change, in the order of all changes.
    std::uint64_t changed = 0;
    std::vector<stored_event> ring;
    std::size_t next = 0;
  };

  void forget_oldest();

  mutable std::mutex lock_;
  std::size_t services_max_;
  std::uint64_t changes_ = 0;
  std::unordered_map<service_ref, entry, service_ref_hash, service_ref_equal> entries_;
};

} // namespace nacre
