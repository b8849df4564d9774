#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "actors/node/node.hpp"
#include "fuzz.hpp"
#include "tests/kit/memory_disk.hpp"

namespace nacre::fuzz {

/// The actor system of all inputs: its clock and scheduler only move when told.
struct virtual_system {
  caf::actor_system_config config;
  caf::actor_system system{config.set("scheduler.policy", caf::atom("testing"))};
  caf::scheduler::test_coordinator& scheduler =
    dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());

  void settle() { scheduler.run(); }

  void pass(std::int64_t ms) {
    for (; ms > 0; ms -= 250) {
      scheduler.clock().advance_time(std::chrono::milliseconds(250));
      settle();
    }
  }
};

/// A small node that lives as long as one input.
class virtual_node {
public:
  explicit virtual_node(virtual_system& system) : host(system) {
    options opts;
    opts.limits.services_max = 8; // so that bounds are met
    opts.limits.instances_max = 8;
    opts.connections.connections_max = 4;
    context = std::make_shared<node_context>(
      opts, 2, clock_source{[this] { return wall_time(milliseconds(++wall_ms_)); }, steady_now});
    context->disk = std::make_shared<test::memory_disk>();
    root_ = spawn_node(host.system, context);
    host.settle();
  }

  ~virtual_node() {
    host.scheduler.clock().cancel_all(); // a delayed message keeps its receiver alive
    caf::anon_send_exit(root_, caf::exit_reason::user_shutdown);
    host.settle();
    require(host.system.registry().running() == 0, "actors outlive the node");
  }

  virtual_system& host;
  node_context_ptr context;

private:
  std::int64_t wall_ms_ = 1'700'000'000'000;
  node_actor root_;
};

} // namespace nacre::fuzz
