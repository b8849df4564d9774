#pragma once

#include <optional>

#include "actors/base/prober.hpp"
#include "protocol/switch_domain.hpp"

namespace nacre {

/// What is known of one target by its probes: when it changes for better or worse, and when to ask
/// again (Nacos `HealthCheckCommonV2`, `HealthCheckTaskV2`). Pure.
class check_state {
public:
  /// @param healthy what readers see
  /// @param times so many equal answers in a row change it (`healthCheckTimes`)
  /// @returns what it is from here on, if that is not what readers see
  std::optional<bool> judge(const probe_answer& x, bool healthy, int times);

  /// Until the next probe: follows what probes take, between the bounds of `params`.
  milliseconds next_interval(const probe_answer& x, const switch_domain::check_params& params);

  bool failed_last() const { return failures_ > 0; }

private:
  int successes_ = 0;
  int failures_ = 0;
  /// Nothing was measured yet; a first guess then, as Nacos has it.
  double normalized_ms_ = 2'000;
};

} // namespace nacre
