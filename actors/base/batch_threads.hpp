#pragma once

#include <sched.h>

#include <caf/thread_hook.hpp>

namespace nacre {

/// Tells the kernel whether the calling thread, and those it starts, do batch work. It is only a
/// hint: a batch thread does not interrupt the one that woke it when both share a core.
inline void set_batch_work(bool batch) {
  sched_param none{};
  sched_setscheduler(0, batch ? SCHED_BATCH : SCHED_OTHER, &none); // 0: the calling thread
}

/// For the actor system's threads, which those of the STORE's own take back, as writes wait for
/// them: a message does not interrupt the I/O thread that sent it, and an
/// actor thread finds all messages of a round of ready sockets when its turn comes, instead of two
/// switches for each of them.
struct batch_threads final : caf::thread_hook {
  void init(caf::actor_system&) override {}
  void thread_started() override { set_batch_work(true); }
  void thread_terminates() override {}
};

} // namespace nacre
