#pragma once

#include "bench/contest.hpp"
#include "bench/fleet.hpp"
#include "bench/load_window.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace nacre::bench {

/// Register and query under load.
struct grpc_load_options {
  fleet all;
  std::vector<std::string> cases; // of register, query
  std::size_t connections = 0;
  std::size_t calls = 0; // at a time on each connection
  std::size_t rounds = 0;
  std::size_t register_size = 0; // of a bare server's answers where there is no subject
  std::size_t query_size = 0;
  std::string answer_file; // which static servers answer with
  load_window::span times;
  double settle_s = 0;
};
void run_grpc_load(const grpc_load_options& options, std::vector<contestant>& contestants);

/// From a registration to its push.
struct grpc_push_options {
  std::size_t samples = 0;
  double interval_s = 0; // mean, between two samples
  double timeout_s = 0;  // for the last pushes
  double settle_s = 0;
};
void run_grpc_push(const grpc_push_options& options, const contestant& one);

/// From a registration to its push at the last of many subscribers.
struct grpc_fanout_options {
  std::size_t subscribers = 0;
  std::size_t changes = 0;
  double interval_s = 0; // more than what the server merges changes for
  double timeout_s = 0;
  double settle_s = 0;
};
void run_grpc_fanout(const grpc_fanout_options& options, const contestant& one);

/// Memory of many connections, and how soon their instances are gone with them.
struct grpc_held_options {
  std::size_t connections = 0;
  std::size_t services = 0;
  double timeout_s = 0;
  double settle_s = 0;
};
void run_grpc_held(const grpc_held_options& options, const contestant& one);

} // namespace nacre::bench
