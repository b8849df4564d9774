#include "config/usable_cores.hpp"

#include <algorithm>
#include <thread>

#include <sched.h>

namespace nacre {

std::size_t usable_cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0)
    return std::max(1, CPU_COUNT(&cores));
  return std::max(1u, std::thread::hardware_concurrency());
}

} // namespace nacre
