// How many gRPC registrations and queries per second does a registry answer, how soon does a change
// reach its subscribers, and what does a connection cost?

#include "bench/contest.hpp"
#include "bench/failure.hpp"
#include "bench/grpc_cases.hpp"
#include "bench/program.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace nacre::bench {

namespace {

constexpr auto help = R"(grpc_load_bench: clients over gRPC, from one thread
  --target NAME=HOST:PORT   gRPC port of a Nacos-compatible server; repeatable, the first is the
                            subject
  --bare NAME=HOST:PORT     a bare_grpc_server, asked for answers as large as the subject's;
                            repeatable
  --static NAME=HOST:PORT   an HTTP/2 server that answers each call with the file of --answer-file
                            and the trailer grpc-status: 0; for register and query only
  --answer-file FILE        is written before each case: an answer as large as the subject's
  --pid NAME=PID            process of that server: its processor time and memory are printed
  --cases LIST              of register, query, push, fanout, held (default register,query)
register and query: closed-loop load, rounds interleaved
  --services N --instances N   services, and instances of each (default 1000, 10)
  --connections N           clients, each with its own connection (default 64, at least instances)
  --calls N                 under way at a time on each connection (default 1)
  --seconds S --warmup-seconds S   of each round (default 5, 1)
  --rounds N                rounds per case and server (default 3)
  --register-size N --query-size N   bytes a bare server sends where there is no subject
push: from a registration to its push at one subscriber, each on another service
  --samples N               registrations (default 400)
  --interval-ms N           mean time between two of them (default 20)
fanout: until the last of many subscribers of one service has the push
  --subscribers N           (default 1000)
  --changes N               (default 25)
  --change-interval-ms N    time between two of them, after the last push (default 800)
held: memory of many connections with one instance each, and the end of all of them at once
  --held N                  connections (default 10000)
  --held-services N         services their instances are in (default 100)
  --settle-ms N             wait before what was done is checked or measured (default 1500)
  --timeout-ms N            wait for the last push, and for the last instance (default 10000)
Only loopback addresses are loaded. Exit code 1: a wrong or missing answer or push; 2: a wrong
command line.
)";

double seconds(const arguments& args, const std::string& name, std::uint64_t preset,
               std::uint64_t low, std::uint64_t high) {
  return static_cast<double>(args.whole(name, preset, low, high)) / 1e3;
}

grpc_load_options read_load(const arguments& args) {
  grpc_load_options result;
  result.all.prefix = "grpc-load-";
  result.all.services = args.whole("services", 1'000, 1, 100'000);
  result.all.per_service = args.whole("instances", 10, 1, 1'000);
  result.connections = args.whole("connections", 64, 1, 10'000);
  if (result.all.per_service > result.connections)
    throw usage_error("a connection has one instance of a service: --connections is too small");
  if (result.all.instances() > 1'000'000 || result.all.instances() < result.connections)
    throw usage_error("wanted from one instance per connection to 1000000 in all");
  result.calls = args.whole("calls", 1, 1, 100);
  if (result.all.instances() / result.connections < result.calls)
    throw usage_error("a client changes one instance by one call at a time: --calls is too large");
  result.answer_file = args.text("answer-file", {});
  if (result.answer_file.empty() && !args.all("static").empty())
    throw usage_error("--static wants --answer-file");
  result.rounds = args.whole("rounds", 3, 1, 100);
  result.register_size = args.whole("register-size", 75, 0, 4'000'000);
  result.query_size = args.whole("query-size", 3'600, 0, 4'000'000);
  result.times = read_times(args, 60);
  result.settle_s = seconds(args, "settle-ms", 1'500, 0, 60'000);
  return result;
}

/// Runs one of the cases that look at one server at a time.
void run_single(const std::string& word, const arguments& args, const contestant& one) {
  const auto settle_s = seconds(args, "settle-ms", 1'500, 0, 60'000);
  const auto timeout_s = seconds(args, "timeout-ms", 10'000, 10, 600'000);
  if (word == "push")
    run_grpc_push({args.whole("samples", 400, 1, 8'000), seconds(args, "interval-ms", 20, 1, 1'000),
                   timeout_s, settle_s},
                  one);
  else if (word == "fanout")
    run_grpc_fanout({args.whole("subscribers", 1'000, 1, 100'000),
                     args.whole("changes", 25, 1, 1'000),
                     seconds(args, "change-interval-ms", 800, 1, 60'000), timeout_s, settle_s},
                    one);
  else
    run_grpc_held({args.whole("held", 10'000, 1, 200'000),
                   args.whole("held-services", 100, 1, 100'000), timeout_s, settle_s},
                  one);
}

int run(const arguments& args) {
  auto contestants = read_contestants(args);
  auto load = read_load(args);
  std::vector<std::string> singles;
  const std::vector<std::string> known{"push", "fanout", "held"};
  for (const auto& word : split(args.text("cases", "register,query")))
    if (word == "register" || word == "query")
      load.cases.push_back(word);
    else if (std::find(known.begin(), known.end(), word) != known.end())
      singles.push_back(word);
    else
      throw usage_error("no such case: " + word);
  if (!load.cases.empty())
    run_grpc_load(load, contestants);
  for (const auto& word : singles)
    for (const auto& one : contestants)
      if (!one.is_static)
        run_single(word, args, one);
  return EXIT_SUCCESS;
}

} // namespace

} // namespace nacre::bench

int main(int argc, char** argv) {
  using namespace nacre::bench;
  return run_program("grpc_load_bench", help, argc, argv,
                     {"target",      "bare",          "static",     "answer-file",
                      "pid",         "cases",         "services",   "instances",
                      "connections", "calls",         "seconds",    "warmup-seconds",
                      "rounds",      "register-size", "query-size", "samples",
                      "interval-ms", "subscribers",   "changes",    "change-interval-ms",
                      "held",        "held-services", "settle-ms",  "timeout-ms"},
                     run);
}
