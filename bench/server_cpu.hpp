#pragma once

#include <cstdint>

namespace nacre::bench {

/// Processor time all threads of process `pid` have used. The time per answer holds even while
/// other jobs take turns on the server's core, when answers per second mean little. Throws
/// `failure` if there is no such process.
std::int64_t process_cpu_ns(std::int64_t pid);

/// Resident memory of process `pid`, KiB.
std::int64_t process_resident_kib(std::int64_t pid);

} // namespace nacre::bench
