#include "bench/load_report.hpp"

#include "bench/statistics.hpp"

#include <cstdio>
#include <numeric>

namespace nacre::bench {

namespace {

/// Rounds in which the server or the generator had its core for itself. With all connections busy
/// one of the two is always at work, so where neither is, another job ran.
std::size_t quiet_rounds(const standing& result) {
  constexpr double whole_core = 0.93;
  std::size_t count = 0;
  for (std::size_t i = 0; i < result.server.size(); ++i)
    count += result.server[i] >= whole_core || result.generator[i] >= whole_core ? 1 : 0;
  return count;
}

void print_rounds(const char* name, const std::vector<double>& values, int digits) {
  for (std::size_t i = 0; i < values.size(); ++i)
    std::printf("%s%.*f", i ? "," : (std::string(" ") + name + '=').c_str(), digits, values[i]);
}

} // namespace

void print_standing(std::string_view name_of_case, const std::string& name,
                    const standing& result) {
  const auto& sizes = result.sizes;
  const auto bytes = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  const auto to_us = [&](double share) {
    return static_cast<double>(quantile(result.latencies_ns, share)) / 1e3;
  };
  std::printf("case=%s target=%s per_second=%.0f p50_us=%.0f p99_us=%.0f body_bytes=%zu "
              "answers=%zu reconnects=%zu hash=",
              std::string(name_of_case).c_str(), name.c_str(), median(result.rates), to_us(0.5),
              to_us(0.99), sizes.empty() ? 0 : bytes / sizes.size(), result.answers,
              result.reconnects);
  if (result.meaning)
    std::printf("%016llx", static_cast<unsigned long long>(*result.meaning));
  else
    std::printf("sizes-only");
  std::printf(" generator=%.0f%%", 100 * median(result.generator));
  if (!result.server.empty())
    std::printf(" server=%.0f%% cpu_us=%.2f quiet_rounds=%zu/%zu", 100 * median(result.server),
                median(result.cpu_us), quiet_rounds(result), result.server.size());
  print_rounds("rounds", result.rates, 0);
  if (!result.cpu_us.empty())
    print_rounds("cpu_us_rounds", result.cpu_us, 2);
  std::printf("\n");
}

void print_ratio(std::string_view name_of_case, const std::string& subject_name,
                 const standing& subject, const std::string& other_name, const standing& other) {
  // Of neighbouring rounds, so that what disturbs both (another job, a hot core) cancels out.
  std::vector<double> ratios;
  for (std::size_t i = 0; i < subject.rates.size(); ++i)
    ratios.push_back(other.rates[i] > 0 ? subject.rates[i] / other.rates[i] : 0);
  std::printf("ratio case=%s %s/%s=%.3f range=%.3f..%.3f", std::string(name_of_case).c_str(),
              subject_name.c_str(), other_name.c_str(), median(ratios), quantile(ratios, 0),
              quantile(ratios, 1));
  // The same way round: above 1, the subject needs less processor time for an answer.
  if (!other.cpu_us.empty() && median(subject.cpu_us) > 0)
    std::printf(" by_cpu=%.3f", median(other.cpu_us) / median(subject.cpu_us));
  std::printf("\n");
}

} // namespace nacre::bench
