#include "config/usable_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>

#include <unistd.h>

namespace nacre {

namespace {

std::size_t read_usable_memory() {
  auto bytes = static_cast<std::size_t>(std::max(sysconf(_SC_PHYS_PAGES), 1L))
               * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  // Of version 2, then 1; "max" is no number.
  for (auto file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::uint64_t limit = 0;
    if (std::ifstream(file) >> limit && limit > 0)
      bytes = std::min<std::size_t>(bytes, limit);
  }
  return bytes;
}

} // namespace

std::size_t usable_memory() {
  static const auto bytes = read_usable_memory();
  return bytes;
}

std::size_t resident_memory() {
  std::size_t all = 0, resident = 0; // pages
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace nacre
