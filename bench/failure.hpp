#pragma once

#include <stdexcept>

namespace nacre::bench {

/// A wrong answer or a server that does not answer: the figures would mean nothing, exit code 1.
struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The command line asks for something a bench cannot or must not do, exit code 2.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

} // namespace nacre::bench
