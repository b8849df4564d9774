#pragma once

#include <mutex>
#include <utility>

namespace nacre {

/// The place where neighbours find the present handle of an actor that its supervisor may have
/// restarted. Any thread.
template <class Handle>
class cell {
public:
  Handle get() const {
    std::lock_guard guard(lock_);
    return handle_;
  }

  void set(Handle handle) {
    std::lock_guard guard(lock_);
    std::swap(handle_, handle);
  }

private:
  mutable std::mutex lock_;
  Handle handle_;
};

} // namespace nacre
