#include "bench/clock.hpp"
#include "bench/scale_parts.hpp"
#include "bench/server_cpu.hpp"
#include "bench/statistics.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace nacre::bench {

namespace {

/// Parts that are compared: so many at the begin and as many at the end.
constexpr std::size_t compared = 5;

} // namespace

fill_report::fill_report(const scale_options& options)
  : pid_(options.pid), step_(std::clamp<std::size_t>(options.all.instances() / 20, 1, 10'000)) {
  marks_.push_back(now());
}

fill_report::mark fill_report::now() const { return {now_ns(), pid_ ? process_cpu_ns(pid_) : 0}; }

void fill_report::on_answer(std::size_t answers) {
  if (answers % step_ == 0)
    marks_.push_back(now());
}

void fill_report::print(std::string_view how) const {
  const auto parts = marks_.size() - 1;
  std::vector<double> rates;
  std::vector<double> cpu_us;
  const auto count = static_cast<double>(step_);
  for (std::size_t i = 0; i < parts; ++i) {
    rates.push_back(count * 1e9 / static_cast<double>(marks_[i + 1].at_ns - marks_[i].at_ns));
    cpu_us.push_back(static_cast<double>(marks_[i + 1].cpu_ns - marks_[i].cpu_ns) / 1e3 / count);
  }
  // The first part is also the first that this process does.
  const auto at = [&](const std::vector<double>& x, std::size_t from) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(std::min(from, x.size()));
    const auto left = static_cast<std::size_t>(x.end() - begin);
    return median({begin, begin + static_cast<std::ptrdiff_t>(std::min(compared, left))});
  };
  const auto last = parts > compared ? parts - compared : 0;
  std::printf("fill by=%.*s instances=%zu seconds=%.2f per_second=%.0f first_per_second=%.0f "
              "last_per_second=%.0f last_by_first=%.3f slowest_part_per_second=%.0f",
              static_cast<int>(how.size()), how.data(), parts * step_,
              static_cast<double>(marks_.back().at_ns - marks_.front().at_ns) / 1e9,
              count * static_cast<double>(parts) * 1e9
                / static_cast<double>(marks_.back().at_ns - marks_.front().at_ns),
              at(rates, 1), at(rates, last), at(rates, last) / at(rates, 1),
              *std::min_element(rates.begin(), rates.end()));
  if (pid_)
    std::printf(" first_cpu_us=%.2f last_cpu_us=%.2f rss_mib=%.0f", at(cpu_us, 1), at(cpu_us, last),
                static_cast<double>(process_resident_kib(pid_)) / 1024);
  std::printf("\n");
  std::fflush(stdout);
}

void print_waits(std::string_view what, const scale_observer::result& seen) {
  std::printf("waits during=%.*s queries=%zu p50_us=%.0f p99_us=%.0f p999_us=%.0f "
              "longest_ms=%.2f observer_late_ms=%.2f\n",
              static_cast<int>(what.size()), what.data(), seen.seen.size(), seen.wait_us(0.5),
              seen.wait_us(0.99), seen.wait_us(0.999), seen.longest_ms(),
              static_cast<double>(seen.late_ns) / 1e6);
  std::fflush(stdout);
}

void print_expiry(const scale_observer::result& seen, std::size_t per_service,
                  std::int64_t from_ns) {
  std::int64_t first_marked = 0;
  std::int64_t last_unmarked = 0;
  std::int64_t first_gone = 0;
  std::int64_t last_there = 0;
  for (const auto& x : seen.seen) {
    const bool gone = x.hosts < per_service;
    const bool marked = gone || x.unhealthy != 0;
    if (marked && !first_marked)
      first_marked = x.at_ns;
    if (!marked)
      last_unmarked = x.at_ns;
    if (gone && !first_gone)
      first_gone = x.at_ns;
    if (!gone)
      last_there = x.at_ns;
  }
  const auto seconds = [&](std::int64_t at) {
    return at ? static_cast<double>(at - from_ns) / 1e9 : -1;
  };
  std::printf("expiry first_unhealthy_s=%.3f last_healthy_s=%.3f first_gone_s=%.3f "
              "last_there_s=%.3f\n",
              seconds(first_marked), seconds(last_unmarked), seconds(first_gone),
              seconds(last_there));
  std::fflush(stdout);
}

} // namespace nacre::bench
