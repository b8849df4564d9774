#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "actors/base/gauge.hpp"

namespace nacre {

/// The memory of the process beside what it may use: the budget above all others, so that bounds
/// in numbers can't add up to more. The process' own watch tells what is resident; who would make
/// the node hold more asks first. What other nodes tell is never refused, nor is a renewal. Any
/// thread.
class memory_budget {
public:
  /// @param max bytes
  explicit memory_budget(std::size_t max) : max_(static_cast<std::int64_t>(max)) {}

  /// @param bytes resident now
  void observe(std::size_t bytes) { used_ = static_cast<std::int64_t>(bytes); }

  /// Whether there is room for something new; a refusal is counted.
  bool admits() {
    if (!spent())
      return true;
    ++refused_;
    return false;
  }

  bool spent() const { return used_ >= max_; }
  std::int64_t max() const { return max_; }
  /// Bytes, with the most there ever were.
  const gauge& used() const { return used_; }
  std::uint64_t refused() const { return refused_; }

private:
  const std::int64_t max_;
  gauge used_;
  std::atomic<std::uint64_t> refused_{0};
};

} // namespace nacre
