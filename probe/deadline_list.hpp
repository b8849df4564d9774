#pragma once

#include <chrono>
#include <optional>

#include <boost/intrusive/list.hpp>

#include "actors/base/clocks.hpp"

namespace nacre {

class attempt;

/// Finer than milliseconds, so that what took less than one is not taken for none.
using moment = std::chrono::steady_clock::time_point;

/// Until when an attempt may wait. In one list at most; leaves it when it ends.
struct deadline
  : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  explicit deadline(attempt& of) : owner(of) {}

  attempt& owner;
  milliseconds span{0};
  moment at{};
};

/// Deadlines that are all the same span away when they are added: the first in is the first due,
/// so one timer serves any number of them. One thread.
class deadline_list {
public:
  explicit deadline_list(milliseconds span) : span_(span) {}

  /// Also moves one that is in this or another list.
  void add(deadline& x, moment now) {
    x.unlink();
    x.span = span_;
    x.at = now + span_;
    list_.push_back(x);
  }

  /// One whose time has come, taken out; null if there is none.
  deadline* take_due(moment now) {
    if (list_.empty() || list_.front().at > now)
      return nullptr;
    auto& x = list_.front();
    list_.pop_front();
    return &x;
  }

  /// When the next is due.
  std::optional<moment> first() const {
    return list_.empty() ? std::nullopt : std::optional(list_.front().at);
  }

private:
  milliseconds span_;
  boost::intrusive::list<deadline, boost::intrusive::constant_time_size<false>> list_;
};

} // namespace nacre
