#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include <caf/all.hpp>

#include "actors/base/clocks.hpp"
#include "actors/base/local_message.hpp"

namespace nacre {

/// What an `alarm` sends to its actor.
struct ring {
  std::uint64_t number = 0;
};

/// The one timer of an actor that has something to do at some time. It rings at the earliest time
/// it was set to; a delayed message can't be taken back, so rings of an earlier setting still come
/// and are told apart by their number.
class alarm {
public:
  /// Rings at `due`, or at an earlier time it is set to. A ring that comes at most
  /// `tolerance` later will do.
  template <class Self>
  void set(Self* self, steady_time due, steady_time now, milliseconds tolerance = milliseconds(0)) {
    auto at = std::max(due, now);
    if (set_for_ && *set_for_ <= at + tolerance)
      return;
    set_for_ = at;
    self->delayed_send(self, at - now, ring{++number_});
  }

  /// Whether the ring counts. If so, the alarm is not set any more.
  bool rings(const ring& msg) {
    if (msg.number != number_ || !set_for_)
      return false;
    set_for_.reset();
    return true;
  }

  void cancel() { set_for_.reset(); }

private:
  std::uint64_t number_ = 0;
  std::optional<steady_time> set_for_;
};

} // namespace nacre
