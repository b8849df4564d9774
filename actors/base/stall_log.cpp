#include "actors/base/stall_log.hpp"

#include <chrono>

#include <spdlog/spdlog.h>

namespace nacre {

void stall_log::note(std::string what, milliseconds lasted, wall_time at) {
  using namespace std::chrono_literals;
  std::lock_guard guard(lock_);
  ++count_;
  if (at - told_ >= 1s) {
    told_ = at;
    spdlog::warn("thread-held by {} for {} ms ({} so far)", what, to_ms(lasted), count_);
  }
  recent_.push_back({std::move(what), lasted, at});
  if (recent_.size() > kept_max)
    recent_.pop_front();
}

std::vector<stall_log::stall> stall_log::recent() const {
  std::lock_guard guard(lock_);
  return {recent_.begin(), recent_.end()};
}

std::uint64_t stall_log::count() const {
  std::lock_guard guard(lock_);
  return count_;
}

} // namespace nacre
