#include "config/usable_cores.hpp"

#include <algorithm>

#include <sched.h>

namespace nacre {

std::size_t usable_cores() {
  cpu_set_t cores;
  bool known = sched_getaffinity(0, sizeof cores, &cores) == 0;
  return known ? std::max(1, CPU_COUNT(&cores)) : 1;
}

} // namespace nacre
