#include "actors/health/check_state.hpp"

#include <algorithm>

namespace nacre {

namespace {

constexpr std::int32_t shortest_ms = 500;

} // namespace

std::optional<bool> check_state::judge(const probe_answer& x, bool healthy, int times) {
  times = std::max(times, 1);
  bool ok = x.what == probe_answer::kind::ok;
  successes_ = ok ? std::min(successes_ + 1, times) : 0;
  failures_ = ok ? 0 : std::min(failures_ + 1, times);
  if (!healthy && successes_ >= times)
    return true;
  if (healthy && (x.what == probe_answer::kind::failed_for_sure || failures_ >= times))
    return false;
  return std::nullopt;
}

milliseconds check_state::next_interval(const probe_answer& x,
                                        const switch_domain::check_params& params) {
  auto took = static_cast<double>(to_ms(x.took));
  if (x.next == probe_answer::pace::slower)
    took = 2 * normalized_ms_;
  else if (x.next == probe_answer::pace::slowest)
    took = params.max;
  // Nothing checks what operators set for MySQL.
  auto factor = params.factor >= 0 && params.factor <= 1 ? params.factor : 1;
  auto min = std::max(params.min, shortest_ms);
  auto next = factor * normalized_ms_ + (1 - factor) * took;
  normalized_ms_ = std::clamp<double>(next, min, std::max(min, params.max));
  return milliseconds(static_cast<std::int64_t>(normalized_ms_));
}

} // namespace nacre
