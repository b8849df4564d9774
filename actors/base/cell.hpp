#pragma once

#include <mutex>
#include <utility>

namespace nacre {

/// The place where others find the present handle of an actor that its supervisor may have
/// restarted, or the present version of what is replaced as a whole. Any thread. With a lock, as
/// `std::atomic<std::shared_ptr>` of GCC 12 gives its own free without a release.
template <class Handle>
class cell {
public:
  cell() = default;
  explicit cell(Handle first) : handle_(std::move(first)) {}

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
