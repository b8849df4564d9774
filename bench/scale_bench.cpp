// What does a node do that holds a million instances? Registers them, lets all beat, lets many
// expire at once, and looks all the time how long a query waits.

#include "bench/arguments.hpp"
#include "bench/clock.hpp"
#include "bench/endpoint.hpp"
#include "bench/failure.hpp"
#include "bench/poller.hpp"
#include "bench/program.hpp"
#include "bench/scale_parts.hpp"

#include <sched.h>

#include <cstdlib>

namespace nacre::bench {

namespace {

constexpr auto help = R"(scale_bench: a node with very many instances, under load
  --target HOST:PORT        HTTP port of the node
  --grpc HOST:PORT          its gRPC port, for the part grpc
  --pid PID                 its process, to print its processor time and memory
  --parts LIST              of fill, beat, expire, grpc, observe (default fill,beat,expire)
  --services N --instances N   services, and instances of each (default 100000, 10)
  --connections N           HTTP connections, and gRPC calls at a time (default 64)
  --grpc-connections N      each has an equal share of the instances (default 10000)
  --stopped N               instances that expire at once (default 100000)
  --beats N                 per second; default half of what the core carries, which beat finds out
  --seconds S               of each measurement (default 10)
Parts: fill registers all over HTTP. beat has all beat in a closed loop, then at half of that rate.
expire lets one instance of each service expire, all in the same moment, while the others beat.
grpc registers over connections, keeps them alive, then closes some at once. observe only queries.
Only loopback addresses are loaded. Exit code 1: a wrong answer; 2: a wrong command line.
)";

void observe(const scale_options& options) {
  scale_observer observer(options.http, options.all, options.all.services, 1'000'000);
  poller().run_for(options.seconds);
  print_waits("observe", observer.stop());
}

scale_options read_options(const arguments& args) {
  scale_options result;
  result.http = parse_loopback(args.text("target", ""));
  if (const auto grpc = args.text("grpc", ""); !grpc.empty())
    result.grpc = parse_loopback(grpc);
  result.pid = static_cast<std::int64_t>(args.whole("pid", 0, 0, 1U << 30U));
  result.all = {"scale-", args.whole("services", 100'000, 1, 200'000),
                args.whole("instances", 10, 1, 1'000)};
  if (result.all.instances() > 2'000'000)
    throw usage_error("at most 2000000 instances in all");
  result.connections = args.whole("connections", 64, 1, 1'000);
  result.grpc_connections = args.whole("grpc-connections", 10'000, 1, 20'000);
  result.stopped = args.whole("stopped", 100'000, 1, 200'000);
  result.beats_per_second = args.real("beats", 0, 0, 1e6);
  result.seconds = args.real("seconds", 10, 0.1, 600);
  return result;
}

int run(const arguments& args) {
  auto options = read_options(args);
  // The observer is to have the core at once when its time has come, see there.
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_BATCH, &none);
  for (const auto& part : split(args.text("parts", "fill,beat,expire"))) {
    if (part == "fill")
      run_http_fill(options);
    else if (part == "beat")
      run_http_beat(options);
    else if (part == "expire")
      run_http_expire(options);
    else if (part == "grpc")
      run_grpc(options);
    else if (part == "observe")
      observe(options);
    else
      throw usage_error("there is no part " + part);
  }
  return EXIT_SUCCESS;
}

} // namespace

} // namespace nacre::bench

int main(int argc, char** argv) {
  using namespace nacre::bench;
  return run_program("scale_bench", help, argc, argv,
                     {"target", "grpc", "pid", "parts", "services", "instances", "connections",
                      "grpc-connections", "stopped", "beats", "seconds"},
                     run);
}
