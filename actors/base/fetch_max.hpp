#pragma once

#include <atomic>

namespace nacre {

/// Makes `x` at least `to`, whoever else does so at the same time.
template <class T>
void fetch_max(std::atomic<T>& x, T to) {
  auto present = x.load();
  while (present < to && !x.compare_exchange_weak(present, to)) {
  }
}

} // namespace nacre
