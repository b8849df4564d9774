#pragma once

#include <stdexcept>

namespace nacre {

/// Bytes that are nothing this version can read.
struct unreadable_frame : std::runtime_error {
  using std::runtime_error::runtime_error;
};

} // namespace nacre
