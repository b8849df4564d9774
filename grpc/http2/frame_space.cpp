#include "grpc/http2/frame_space.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace nacre {

namespace {

/// What nghttp2 1.52 asks for: the head of a frame, the length of its padding, the longest payload.
/// Another version's wish is met like any other.
constexpr std::size_t frame_bytes = 9 + 1 + 16'384;

} // namespace

struct frame_space::hooks {
  static char* shared(void* user) { return static_cast<frame_space*>(user)->bytes_.get(); }

  static void* allocate(std::size_t size, void*) { return std::malloc(size); }

  static void* allocate_zeros(std::size_t count, std::size_t size, void*) {
    return std::calloc(count, size);
  }

  static void* resize(void* at, std::size_t size, void* user) {
    auto* space = shared(user);
    if (!at && size == frame_bytes)
      return space;
    if (at != space)
      return std::realloc(at, size);
    auto* own = std::malloc(size);
    if (own)
      std::memcpy(own, space, std::min(size, frame_bytes));
    return own;
  }

  static void free(void* at, void* user) {
    if (at != shared(user))
      std::free(at);
  }
};

frame_space::frame_space()
  : bytes_(new char[frame_bytes]),
    memory_{this, &hooks::allocate, &hooks::free, &hooks::allocate_zeros, &hooks::resize} {}

} // namespace nacre
