#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace nacre::bench {

/// Monotonic time in nanoseconds. The only clock of the benches, so that all figures compare.
inline std::int64_t now_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

/// How long a bench waits for a server that says nothing.
constexpr std::int64_t patience_ns = 10'000'000'000;

/// Processor time this thread has used. Tells whether the generator itself was the bottleneck.
inline std::int64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

} // namespace nacre::bench
