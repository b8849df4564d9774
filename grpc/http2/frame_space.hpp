#pragma once

#include <memory>

#include <nghttp2/nghttp2.h>

namespace nacre {

/// Where the sessions of one thread put the frame together that they send next. nghttp2 keeps 16
/// KiB for it in each session; ours copy a frame out before they return, so they can share one. It
/// has to outlive them.
class frame_space {
public:
  frame_space();
  frame_space(const frame_space&) = delete;
  frame_space& operator=(const frame_space&) = delete;

  /// What a session takes its memory from.
  nghttp2_mem* memory() { return &memory_; }

private:
  struct hooks;

  const std::unique_ptr<char[]> bytes_;
  nghttp2_mem memory_;
};

} // namespace nacre
