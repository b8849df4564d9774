#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "actors/base/error.hpp"

namespace nacre {

/// The answer that somebody outside the actors waits for (the bridge of the HTTP front). It goes
/// along with the write from actor to actor; whoever finishes the write completes it. A ticket
/// that is dropped on the way (its actor was killed) completes itself with `ec::unavailable`, so
/// no caller waits for ever. Any thread.
class ticket {
public:
  ticket() = default;
  ticket(const ticket&) = delete;
  ticket& operator=(const ticket&) = delete;
  virtual ~ticket() = default;

  /// Takes effect once; later calls do nothing.
  void complete(outcome result) {
    if (!done_.exchange(true))
      deliver(std::move(result));
  }

protected:
  static outcome interrupted() {
    return {ec::unavailable, "the write was interrupted, please try again"};
  }

  /// To be called by the destructor of the most derived class.
  void complete_if_dropped() { complete(interrupted()); }

  bool done() const { return done_; }

private:
  virtual void deliver(outcome result) = 0;

  std::atomic<bool> done_{false};
};

/// Null where nobody waits.
using ticket_ptr = std::shared_ptr<ticket>;

inline void complete(const ticket_ptr& x, outcome result = {}) {
  if (x)
    x->complete(std::move(result));
}

} // namespace nacre
