#pragma once

#include <functional>
#include <utility>

#include "actors/base/ticket.hpp"

namespace nacre {

/// A ticket that goes to many: when the last of them has released it, whatever came out, it calls
/// `f`. Any thread.
class countdown final : public ticket {
public:
  explicit countdown(std::function<void()> f) : at_end_(std::move(f)) {}

  ~countdown() override { at_end_(); }

private:
  void deliver(outcome) override {}

  std::function<void()> at_end_;
};

} // namespace nacre
