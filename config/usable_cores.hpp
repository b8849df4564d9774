#pragma once

#include <cstddef>

namespace nacre {

/// Cores that the process may run on (its CPU affinity), at least 1: threads beyond them only wait
/// for one another.
std::size_t usable_cores();

} // namespace nacre
