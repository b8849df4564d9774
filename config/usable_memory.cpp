#include "config/usable_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>

#include <link.h>
#include <sys/mman.h>
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

/// Only what is never written, so that the file has it still.
int give_back_pages_of(dl_phdr_info* loaded, std::size_t, void*) {
  auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < loaded->dlpi_phnum; ++i) {
    auto& part = loaded->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0)
      continue;
    auto begin = (loaded->dlpi_addr + part.p_vaddr) / page * page;
    auto end = loaded->dlpi_addr + part.p_vaddr + part.p_memsz;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
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

void give_back_code_pages() { dl_iterate_phdr(give_back_pages_of, nullptr); }

} // namespace nacre
