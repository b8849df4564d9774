#include "bench/server_cpu.hpp"

#include "bench/failure.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace nacre::bench {

std::int64_t process_cpu_ns(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  // The name may hold blanks and brackets, so counting begins behind its last bracket.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos)
    throw failure("there is no process " + std::to_string(pid));
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i)
    fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  if (!(fields >> user >> system))
    throw failure("the times of process " + std::to_string(pid) + " cannot be read");
  return (user + system) * (1'000'000'000 / ::sysconf(_SC_CLK_TCK));
}

std::int64_t process_resident_kib(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; file >> word;)
    if (std::int64_t size = 0; word == "VmRSS:" && file >> size)
      return size;
  throw failure("there is no process " + std::to_string(pid));
}

} // namespace nacre::bench
