// How long after a registration was sent does its push reach a subscriber over UDP, when the
// service was quiet before? That is what a caller waits for a new instance, or calls a dead one.

#include "bench/endpoint.hpp"
#include "bench/failure.hpp"
#include "bench/fleet.hpp"
#include "bench/program.hpp"
#include "bench/push_sampler.hpp"
#include "bench/sources.hpp"
#include "bench/statistics.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace nacre::bench {

namespace {

constexpr auto help = R"(push_latency_bench: time from a registration to its UDP push
  --target NAME=HOST:PORT   a Nacos-compatible server; repeatable
  --samples N               registrations, each on another service (default 300)
  --interval-ms N           mean time between two of them (default 20; in all at most 8 s)
  --services N              services there are (default 1000, at least as many as samples)
  --instances N             instances each service has before (default 10)
  --settle-ms N             wait after the fill and after subscribing (default 1500)
  --timeout-ms N            wait for the last push (default 5000)
Only loopback addresses are loaded. Exit code 1: a wrong or missing push or answer; 2: a wrong
command line.
)";

constexpr std::size_t fill_connections = 64;

struct settings {
  fleet all;
  sampler_options sampling;
  std::chrono::milliseconds settle{};
};

void wait(std::chrono::milliseconds time) {
  boost::asio::io_context context;
  boost::asio::steady_timer(context, time).wait();
}

void fill(const settings& options, const boost::asio::ip::tcp::endpoint& address) {
  request_set set{request_kind::register_instance, {}, {{}}, {}};
  for (std::size_t i = 0; i < options.all.instances(); ++i)
    set.passes[0].push_back(register_request(options.all, i, 1, 2));
  checked_pass pass(set);
  run_pool(address, fill_connections, pass);
}

/// Subscribes to the services of the samples only.
void subscribe(const settings& options, const boost::asio::ip::tcp::endpoint& address,
               std::uint16_t udp_port) {
  request_set set{request_kind::query, {options.all.per_service}, {{}}, {}};
  const auto extra = "&clientIP=127.0.0.1&app=bench&udpPort=" + std::to_string(udp_port);
  for (std::size_t i = 0; i < options.sampling.samples; ++i)
    set.passes[0].push_back(query_request(options.all, i, 2, extra));
  checked_pass pass(set);
  run_pool(address, fill_connections, pass);
}

void measure(const settings& options, const named_endpoint& target) {
  fill(options, target.address);
  wait(options.settle);
  push_sampler sampler(options.all, options.sampling, target.address);
  subscribe(options, target.address, sampler.udp_port());
  // A new subscriber may get a push of its own, which must not carry the first samples along.
  wait(options.settle);
  const auto report = sampler.run();
  const auto to_ms = [](const std::vector<std::int64_t>& values, double share) {
    return static_cast<double>(quantile(values, share)) / 1e6;
  };
  std::printf("push target=%s samples=%zu p50_ms=%.3f p99_ms=%.3f max_ms=%.3f post_p50_ms=%.3f "
              "datagrams=%zu gzipped=%zu lost=%zu hash=%016llx\n",
              target.name.c_str(), report.push_ns.size(), to_ms(report.push_ns, 0.5),
              to_ms(report.push_ns, 0.99), to_ms(report.push_ns, 1), to_ms(report.post_ns, 0.5),
              report.datagrams, report.gzipped, report.lost,
              static_cast<unsigned long long>(report.hash));
  std::fflush(stdout);
  if (report.lost > 0)
    throw failure(std::to_string(report.lost) + " of " + std::to_string(options.sampling.samples)
                  + " changes were not pushed");
}

settings read_settings(const arguments& args) {
  settings result;
  result.sampling.samples = args.whole("samples", 300, 1, 8'000);
  result.sampling.interval = std::chrono::milliseconds(args.whole("interval-ms", 20, 1, 1'000));
  result.sampling.timeout = std::chrono::milliseconds(args.whole("timeout-ms", 5'000, 10, 60'000));
  result.settle = std::chrono::milliseconds(args.whole("settle-ms", 1'500, 0, 3'000));
  // Nobody beats for the instances, and one that turns unhealthy after 15 s is a change.
  if (result.sampling.samples * result.sampling.interval > std::chrono::seconds(8))
    throw usage_error("samples * interval-ms is more than 8 s");
  // A service that a former run changed is not quiet, so each run has services of its own.
  result.all.prefix = "push-bench-" + std::to_string(::getpid()) + "-";
  result.all.services = args.whole("services", 1'000, 1, 100'000);
  result.all.services = std::max(result.all.services, result.sampling.samples);
  result.all.per_service = args.whole("instances", 10, 1, 200);
  if (result.all.instances() > 1'000'000)
    throw usage_error("at most 1000000 instances in all");
  return result;
}

int run(const arguments& args) {
  std::vector<named_endpoint> targets;
  for (const auto& text : args.all("target"))
    targets.push_back(parse_named_endpoint(text));
  if (targets.empty())
    throw usage_error("no --target, see --help");
  const auto options = read_settings(args);
  for (const auto& target : targets)
    measure(options, target);
  return EXIT_SUCCESS;
}

} // namespace

} // namespace nacre::bench

int main(int argc, char** argv) {
  using namespace nacre::bench;
  return run_program(
    "push_latency_bench", help, argc, argv,
    {"target", "samples", "interval-ms", "services", "instances", "settle-ms", "timeout-ms"}, run);
}
