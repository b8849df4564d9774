#include "bench/server_cpu.hpp"

#include "bench/failure.hpp"

#include <ctime>
#include <fstream>
#include <string>

namespace nacre::bench {

std::int64_t process_cpu_ns(std::int64_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(static_cast<pid_t>(pid), &clock) != 0
      || ::clock_gettime(clock, &time) != 0)
    throw failure("there is no process " + std::to_string(pid));
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t process_resident_kib(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; file >> word;)
    if (std::int64_t size = 0; word == "VmRSS:" && file >> size)
      return size;
  throw failure("there is no process " + std::to_string(pid));
}

} // namespace nacre::bench
