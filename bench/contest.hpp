#pragma once

#include "bench/arguments.hpp"
#include "bench/endpoint.hpp"
#include "bench/load_pool.hpp"
#include "bench/load_report.hpp"
#include "bench/load_window.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace nacre::bench {

/// One server under load and what it has reached in the current case.
struct contestant {
  named_endpoint server;
  bool is_bare = false;
  bool is_static = false;        // bare too, but answers all with one file
  std::int64_t pid = 0;          // 0 = not known
  std::int64_t refreshed_ns = 0; // when its instances were beaten for, where that is needed
  standing result;
};

/// Those of --target, --bare, --static and --pid; the first is the subject. Throws `usage_error` if
/// none is.
std::vector<contestant> read_contestants(const arguments& args);

/// The times of --seconds and --warmup-seconds; a round lasts `longest_s` at most.
load_window::span read_times(const arguments& args, double longest_s);

/// Runs one round by `run`, whose answers come to `window`, and adds it to the standing.
void measure_round(contestant& one, const load_window& window,
                   const std::function<pool_report()>& run);

/// The lines of one case: all servers, and the subject held against each other one.
void print_case(std::string_view name, const std::vector<contestant>& contestants);

} // namespace nacre::bench
