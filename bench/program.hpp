#pragma once

#include <string_view>
#include <vector>

#include "bench/arguments.hpp"

namespace nacre::bench {

/// What `main` of every program here does: `--help` shows `help`, a bad command line ends with
/// status 2 and any other failure with 1, both after a line that begins with `name`.
int run_program(std::string_view name, std::string_view help, int argc, const char* const* argv,
                const std::vector<std::string_view>& known, int (*run)(const arguments&));

} // namespace nacre::bench
