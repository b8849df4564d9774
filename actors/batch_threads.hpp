#pragma once

#include <sched.h>

#include <caf/thread_hook.hpp>

namespace nacre {

/// Tells the kernel that the actor system's threads do batch work. Such a thread does not interrupt
/// the I/O thread that woke it with a message when both share a core: it finds all messages of a
/// round of ready sockets when its turn comes, instead of two switches for each of them.
struct batch_threads final : caf::thread_hook {
  void init(caf::actor_system&) override {}

  void thread_started() override {
    sched_param none{};
    sched_setscheduler(0, SCHED_BATCH, &none); // 0: the calling thread; it is only a hint
  }

  void thread_terminates() override {}
};

} // namespace nacre
