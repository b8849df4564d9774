// How many registrations, beats and queries per second does a registry answer over keep-alive
// connections, and how far is that from other servers asked with the very same bytes?

#include "bench/clock.hpp"
#include "bench/contest.hpp"
#include "bench/failure.hpp"
#include "bench/fleet.hpp"
#include "bench/program.hpp"
#include "bench/sources.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace nacre::bench {

namespace {

constexpr auto help = R"(http_load_bench: closed-loop load from one thread, rounds interleaved
  --target NAME=HOST:PORT   a Nacos-compatible server; repeatable, the first is the subject
  --bare NAME=HOST:PORT     a bare_server, asked for answers as large as the subject's; repeatable
  --pid NAME=PID            process of that server, to print its processor time per answer
  --cases LIST              of register, beat, light-beat, query (default register,beat,query)
  --services N --instances N   services, and instances of each (default 1000, 10)
  --connections N           keep-alive connections (default 64)
  --seconds S --warmup-seconds S   of each round (default 5, 1; together at most 12)
  --rounds N                rounds per case and server (default 3)
  --settle-ms N             wait before queries are checked (default 1500; Nacos' cache lasts 500)
  --answer-size N           bytes a bare server sends where there is no subject (default 2000)
Only loopback addresses are loaded. Exit code 1: a wrong answer; 2: a wrong command line.
)";

/// Instances nobody beats for turn unhealthy after 15 s, so beats are sent before this age.
constexpr std::int64_t refresh_ns = 4'000'000'000;

/// What the pass that checks registrations leaves behind.
constexpr int first_weight = 2;

struct settings {
  fleet all;
  std::vector<request_kind> cases;
  std::size_t connections = 0;
  std::size_t rounds = 0;
  std::size_t answer_size = 0;
  load_window::span times;
  std::chrono::milliseconds settle{};
};

/// The requests of a case. `sizes` are those of the answers, empty while they are unknown.
request_set build(const settings& options, request_kind kind, std::vector<std::size_t> sizes) {
  const auto& all = options.all;
  const bool is_query = kind == request_kind::query;
  const auto count = is_query ? all.services : all.instances();
  request_set set{kind, {is_query ? all.per_service : 0}, {}, std::move(sizes)};
  if (set.sizes.empty())
    set.sizes.assign(count, options.answer_size);
  // Each pass changes the weight of every instance. None is 1: as the default it may count as "not
  // given", and a registry that then keeps the old weight would have nothing to do.
  for (const int weight :
       kind == request_kind::register_instance ? std::vector{first_weight, 3} : std::vector{0}) {
    auto& pass = set.passes.emplace_back();
    pass.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      switch (kind) {
        case request_kind::register_instance:
          pass.push_back(register_request(all, i, weight, set.sizes[i]));
          break;
        case request_kind::beat:
          pass.push_back(beat_request(all, i, set.sizes[i]));
          break;
        case request_kind::light_beat:
          pass.push_back(light_beat_request(all, i, set.sizes[i]));
          break;
        case request_kind::query:
          pass.push_back(query_request(all, i, set.sizes[i]));
          break;
      }
  }
  return set;
}

class comparison {
public:
  comparison(settings options, std::vector<contestant> contestants)
    : options_(std::move(options)),
      contestants_(std::move(contestants)),
      keep_alive_(build(options_, request_kind::beat, {})) {}

  void run() {
    fill();
    for (const auto kind : options_.cases)
      run_case(kind);
  }

private:
  /// Registers every instance at every registry.
  void fill() {
    const auto set = build(options_, request_kind::register_instance, {});
    for (auto& one : contestants_) {
      if (one.is_bare)
        continue;
      const auto begin = now_ns();
      checked_pass pass(set, 1);
      run_pool(one.server.address, options_.connections, pass);
      one.refreshed_ns = now_ns();
      const auto seconds = static_cast<double>(one.refreshed_ns - begin) / 1e9;
      std::printf("fill target=%s instances=%zu seconds=%.2f per_second=%.0f\n",
                  one.server.name.c_str(), options_.all.instances(), seconds,
                  static_cast<double>(options_.all.instances()) / seconds);
    }
    std::fflush(stdout);
    settle();
  }

  /// Waits until queries see what was registered.
  void settle() const {
    boost::asio::io_context context;
    boost::asio::steady_timer(context, options_.settle).wait();
  }

  /// Looks whether the registrations that were answered with ok have been carried out.
  void confirm_registrations(const contestant& one) {
    settle();
    auto set = build(options_, request_kind::query, {});
    set.wanted.weight = first_weight;
    checked_pass pass(set);
    run_pool(one.server.address, options_.connections, pass);
  }

  /// Beats for all instances at all registries, whoever is measured next: a registry that drops
  /// instances in the background would take time from another one's round.
  void refresh() {
    for (auto& one : contestants_) {
      if (one.is_bare || now_ns() - one.refreshed_ns < refresh_ns)
        continue;
      checked_pass pass(keep_alive_);
      run_pool(one.server.address, options_.connections, pass);
      one.refreshed_ns = now_ns();
    }
  }

  /// Reads every answer of one pass in full; the subject's sizes become those of the bare server.
  request_set verify(request_kind kind) {
    auto set = build(options_, kind, {});
    for (auto& one : contestants_) {
      one.result = {};
      if (one.is_bare)
        continue;
      refresh();
      checked_pass pass(set);
      run_pool(one.server.address, options_.connections, pass);
      if (kind == request_kind::register_instance)
        confirm_registrations(one);
      one.result.sizes = pass.sizes();
      one.result.meaning = pass.meaning();
      // The pass that was just sent must not be the first of the measurement again.
      one.result.cursor = set.passes.front().size();
      if (one.result.meaning != contestants_.front().result.meaning)
        throw failure(one.server.name + " answers otherwise than "
                      + contestants_.front().server.name);
    }
    // Targets come before bare servers, so that the first is the subject if there is one.
    if (!contestants_.front().is_bare)
      set.sizes = contestants_.front().result.sizes;
    for (auto& one : contestants_)
      if (one.is_bare)
        one.result.sizes = set.sizes;
    return build(options_, kind, set.sizes);
  }

  void run_case(request_kind kind) {
    const auto set = verify(kind);
    for (std::size_t round = 0; round < options_.rounds; ++round)
      for (auto& one : contestants_) {
        refresh();
        run_round(set, one);
      }
    print_case(to_word(kind), contestants_);
  }

  void run_round(const request_set& set, contestant& one) {
    timed_load load(set, one.is_bare, one.result.sizes, options_.times, one.result.cursor);
    measure_round(one, load.window(),
                  [&] { return run_pool(one.server.address, options_.connections, load); });
  }

  settings options_;
  std::vector<contestant> contestants_;
  request_set keep_alive_;
};

settings read_settings(const arguments& args) {
  settings result;
  result.all.prefix = "load-bench-";
  result.all.services = args.whole("services", 1'000, 1, 100'000);
  result.all.per_service = args.whole("instances", 10, 1, 10'000);
  if (result.all.instances() > 1'000'000)
    throw usage_error("at most 1000000 instances in all");
  for (const auto& word : split(args.text("cases", "register,beat,query")))
    result.cases.push_back(parse_kind(word));
  result.connections = args.whole("connections", 64, 1, 1'000);
  result.rounds = args.whole("rounds", 3, 1, 100);
  result.answer_size = args.whole("answer-size", 2'000, 0, 16'000'000);
  result.settle = std::chrono::milliseconds(args.whole("settle-ms", 1'500, 0, 5'000));
  result.times = read_times(args, 12);
  if (result.times.measure_s + result.times.warmup_s > 12)
    throw usage_error("a round of more than 12 s outlives the instances, which nobody beats for");
  return result;
}

int run(const arguments& args) {
  comparison(read_settings(args), read_contestants(args)).run();
  return EXIT_SUCCESS;
}

} // namespace

} // namespace nacre::bench

int main(int argc, char** argv) {
  using namespace nacre::bench;
  return run_program("http_load_bench", help, argc, argv,
                     {"target", "bare", "pid", "cases", "services", "instances", "connections",
                      "seconds", "warmup-seconds", "rounds", "answer-size", "settle-ms"},
                     run);
}
