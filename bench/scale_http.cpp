#include "bench/clock.hpp"
#include "bench/failure.hpp"
#include "bench/scale_load.hpp"
#include "bench/scale_parts.hpp"
#include "bench/scale_requests.hpp"
#include "bench/server_cpu.hpp"
#include "bench/statistics.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace nacre::bench {

namespace {

/// Longer than any part takes: who beats every 5 s is more than a core carries at a million.
constexpr beat_terms long_terms{600'000, 1'200'000};

/// Those that expire do so together, at these times after the first of them was told to: it takes
/// as long as the spread of the registrations until the last is.
constexpr std::int64_t unhealthy_after_ms = 20'000;
constexpr std::int64_t gone_after_ms = 30'000;

void check_ok(std::string_view body) {
  if (body != "ok")
    throw failure("wrong answer to a registration: " + std::string(body.substr(0, 300)));
}

void check_beat(std::string_view body) {
  if (body.find(R"("code":10200)") == body.npos)
    throw failure("wrong answer to a beat: " + std::string(body.substr(0, 300)));
}

/// Beats of all instances from `first` on.
load_plan beats(const scale_options& options, std::size_t first, double per_second,
                std::int64_t end_ns) {
  load_plan plan;
  const auto& all = options.all;
  const auto count = all.instances() - first;
  plan.make = [&all, first, count](std::size_t i) {
    return light_beat_request(all, first + jumping(i, count), 0);
  };
  plan.check = check_beat;
  plan.per_second = per_second;
  plan.goes_on = [end_ns](std::size_t) { return now_ns() < end_ns; };
  return plan;
}

std::int64_t after(double seconds) { return now_ns() + static_cast<std::int64_t>(seconds * 1e9); }

load_result measured(const char* what, const scale_options& options, scale_load& load,
                     const load_plan& plan) {
  const auto cpu = options.pid ? process_cpu_ns(options.pid) : 0;
  auto result = load.run(plan);
  std::printf("beat load=%s per_second=%.0f generator=%.2f", what, result.per_second(),
              result.busy);
  if (options.pid) {
    const auto used = static_cast<double>(process_cpu_ns(options.pid) - cpu);
    std::printf(" server=%.2f cpu_us=%.2f", used / 1e9 / result.seconds,
                used / 1e3 / static_cast<double>(result.answers));
  }
  std::printf(" p50_us=%.0f p99_us=%.0f longest_ms=%.1f behind_max=%zu\n",
              static_cast<double>(quantile(result.latencies_ns, 0.5)) / 1e3,
              static_cast<double>(quantile(result.latencies_ns, 0.99)) / 1e3,
              static_cast<double>(quantile(result.latencies_ns, 1)) / 1e6, result.behind_max);
  std::fflush(stdout);
  return result;
}

} // namespace

void run_http_fill(const scale_options& options) {
  scale_load load(options.http, options.connections);
  fill_report report(options);
  load_plan plan;
  plan.make = [&](std::size_t i) {
    return scale_registration(options.all, nth_instance(options.all, i), long_terms);
  };
  plan.check = check_ok;
  plan.count = options.all.instances();
  plan.goes_on = [&](std::size_t answers) {
    report.on_answer(answers);
    return true;
  };
  load.run(plan);
  report.print("http");
}

void run_http_beat(scale_options& options) {
  scale_load load(options.http, options.connections);
  scale_observer quiet(options.http, options.all, options.all.services, observer_interval_ns);
  const auto end_ns = after(options.seconds / 4);
  poller().run([&] { return now_ns() > end_ns; }, end_ns);
  print_waits("nothing", quiet.stop());
  if (options.beats_per_second == 0) {
    // Once round, so that each has beaten, and what follows is the same for all.
    auto all = beats(options, 0, std::numeric_limits<double>::infinity(), INT64_MAX);
    all.count = options.all.instances();
    measured("first-round", options, load, all);
    const auto most =
      measured("all-it-carries", options, load,
               beats(options, 0, std::numeric_limits<double>::infinity(), after(options.seconds)));
    options.beats_per_second = most.per_second() / 2;
  }
  scale_observer observer(options.http, options.all, options.all.services, observer_interval_ns);
  measured("half", options, load,
           beats(options, 0, options.beats_per_second, after(options.seconds)));
  print_waits("half", observer.stop());
}

void run_http_expire(const scale_options& options) {
  const auto& all = options.all;
  // One of each service, as when a rack loses its power.
  const auto stopped = std::min(options.stopped, all.services);
  scale_load load(options.http, options.connections);
  const auto begin = now_ns();
  const auto since_ms = [begin] { return (now_ns() - begin) / 1'000'000; };
  load_plan last;
  last.make = [&](std::size_t i) {
    return scale_registration(all, i,
                              {unhealthy_after_ms - since_ms(), gone_after_ms - since_ms()});
  };
  last.check = check_ok;
  last.count = stopped;
  load.run(last);
  std::printf("stopping instances=%zu told_for_s=%.2f\n", stopped,
              static_cast<double>(since_ms()) / 1e3);
  std::fflush(stdout);
  if (since_ms() > unhealthy_after_ms / 2)
    throw failure("it takes too long to register those that expire");
  // What comes is all that the observer and the others have to do with.
  scale_observer before(options.http, all, stopped, observer_interval_ns);
  measured("others-before", options, load,
           beats(options, stopped, options.beats_per_second,
                 begin + (unhealthy_after_ms - 2'000) * 1'000'000));
  print_waits("before-expiry", before.stop());
  scale_observer observer(options.http, all, stopped, observer_interval_ns);
  measured(
    "others-meanwhile", options, load,
    beats(options, stopped, options.beats_per_second, begin + (gone_after_ms + 8'000) * 1'000'000));
  const auto seen = observer.stop();
  print_waits("expiry", seen);
  print_expiry(seen, all.per_service, begin);
}

} // namespace nacre::bench
