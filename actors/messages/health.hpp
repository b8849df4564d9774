#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/base/local_message.hpp"
#include "actors/base/prober.hpp"
#include "actors/base/ticket.hpp"
#include "protocol/client_id.hpp"
#include "protocol/cluster_message.hpp"
#include "protocol/service_key.hpp"

/// What is said to the HEALTH CHECK, which has persistent instances probed.
namespace nacre {

/// Readers see this persistent instance, or see it changed.
struct instance_shown {
  service_ref service;
  client_id client;
  std::string cluster;
  /// 0 if it is healthy.
  std::int64_t unhealthy_since_ms = 0;
};

/// Readers see it no more.
struct instance_taken {
  service_ref service;
  client_id client;
};

/// The PROBER has answers.
struct targets_probed {
  std::vector<probe_answer> answers;
};

/// Another node suspects itself: are these targets well, as this node sees them?
struct second_opinion_wanted {
  std::string from;
  probe_query query;
};

/// What another node says of targets that fail here.
struct second_opinion {
  /// Empty if none has answered.
  std::string from;
  std::uint32_t well = 0;
  std::uint32_t failed = 0;
};

/// An operator looks: completes with a JSON object.
struct describe_health {
  /// Only those of this service; null: of all.
  service_ref service;
  /// Only those that have been unhealthy for this long.
  std::optional<milliseconds> dead_for;
  std::size_t offset = 0;
  std::size_t limit = 100;
  ticket_ptr answer;
};

} // namespace nacre
