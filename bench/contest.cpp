#include "bench/contest.hpp"

#include "bench/clock.hpp"
#include "bench/failure.hpp"
#include "bench/server_cpu.hpp"

#include <cstdio>
#include <string>

namespace nacre::bench {

namespace {

/// `text` is NAME=PID.
void assign_pid(std::vector<contestant>& contestants, const std::string& text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  for (auto& one : contestants)
    if (one.server.name == name && equals != text.npos) {
      one.pid = parse_whole("pid", text.substr(equals + 1), 1, 1 << 22);
      process_cpu_ns(one.pid); // fails now rather than after the fill
      return;
    }
  throw usage_error("--pid wants NAME=PID with the name of a target, not " + text);
}

} // namespace

std::vector<contestant> read_contestants(const arguments& args) {
  std::vector<contestant> result;
  for (const auto& text : args.all("target"))
    result.emplace_back().server = parse_named_endpoint(text);
  for (const auto& text : args.all("bare")) {
    result.emplace_back().server = parse_named_endpoint(text);
    result.back().is_bare = true;
  }
  for (const auto& text : args.all("static")) {
    result.emplace_back().server = parse_named_endpoint(text);
    result.back().is_bare = result.back().is_static = true;
  }
  if (result.empty())
    throw usage_error("no --target and no --bare, see --help");
  for (const auto& text : args.all("pid"))
    assign_pid(result, text);
  return result;
}

load_window::span read_times(const arguments& args, double longest_s) {
  load_window::span result;
  result.measure_s = args.real("seconds", 5, 0.05, longest_s);
  result.warmup_s = args.real("warmup-seconds", 1, 0, longest_s - 1);
  return result;
}

void measure_round(contestant& one, const load_window& window,
                   const std::function<pool_report()>& run) {
  auto& result = one.result;
  const auto cpu_begin = one.pid ? process_cpu_ns(one.pid) : 0;
  const auto begin = now_ns();
  const auto report = run();
  const auto wall = static_cast<double>(now_ns() - begin);
  if (one.pid) {
    const auto cpu = static_cast<double>(process_cpu_ns(one.pid) - cpu_begin);
    result.cpu_us.push_back(cpu / 1e3 / static_cast<double>(window.answers()));
    result.server.push_back(cpu / wall);
  }
  result.rates.push_back(window.per_second());
  result.generator.push_back(report.busy);
  result.answers += window.answers();
  result.reconnects += report.reconnects;
  result.latencies_ns.insert(result.latencies_ns.end(), window.latencies_ns().begin(),
                             window.latencies_ns().end());
}

void print_case(std::string_view name, const std::vector<contestant>& contestants) {
  for (const auto& one : contestants)
    print_standing(name, one.server.name, one.result);
  const auto& subject = contestants.front();
  for (std::size_t i = 1; i < contestants.size(); ++i)
    print_ratio(name, subject.server.name, subject.result, contestants[i].server.name,
                contestants[i].result);
  std::fflush(stdout);
}

} // namespace nacre::bench
