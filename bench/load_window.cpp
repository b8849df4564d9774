#include "bench/load_window.hpp"

#include "bench/clock.hpp"

#include <algorithm>
#include <limits>

namespace nacre::bench {

namespace {

std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

} // namespace

load_window::load_window(span times) : times_(times) {
  // Growth during the measurement would show as latency.
  latencies_ns_.reserve(static_cast<std::size_t>(times.measure_s * 200'000) + 1'000);
}

bool load_window::open() {
  if (end_ns_ == 0) {
    last_ns_ = now_ns();
    begin_ns_ = last_ns_ + to_ns(times_.warmup_s);
    end_ns_ = begin_ns_ + to_ns(times_.measure_s);
  }
  return last_ns_ < end_ns_;
}

void load_window::on_answer(std::int64_t sent_ns, std::int64_t done_ns) {
  last_ns_ = done_ns;
  ++answers_;
  if (done_ns < begin_ns_ || done_ns >= end_ns_)
    return;
  const auto latency =
    std::min<std::int64_t>(done_ns - sent_ns, std::numeric_limits<std::uint32_t>::max());
  latencies_ns_.push_back(static_cast<std::uint32_t>(latency));
}

double load_window::per_second() const {
  return static_cast<double>(latencies_ns_.size()) / times_.measure_s;
}

} // namespace nacre::bench
