#pragma once

#include <atomic>
#include <cstdint>

#include "actors/base/fetch_max.hpp"

namespace nacre {

/// A count that rises and falls, and the highest it ever was. Any thread.
class gauge {
public:
  void operator+=(std::int64_t n) { note_peak(now_.fetch_add(n) + n); }
  void operator=(std::int64_t n) {
    now_ = n;
    note_peak(n);
  }
  operator std::int64_t() const { return now_; }
  std::int64_t load() const { return now_; }
  std::int64_t peak() const { return peak_; }

private:
  void note_peak(std::int64_t now) {
    if (now > peak_.load(std::memory_order_relaxed))
      fetch_max(peak_, now);
  }

  std::atomic<std::int64_t> now_{0};
  std::atomic<std::int64_t> peak_{0};
};

} // namespace nacre
