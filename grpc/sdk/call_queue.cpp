#include "grpc/sdk/call_queue.hpp"

#include "actors/base/batch_threads.hpp"
#include "config/usable_cores.hpp"

namespace nacre {

namespace {

/// Tells one event of `queue`. @returns false if there was none until `deadline`
template <class Time>
bool hear_one(grpc::CompletionQueue& queue, const Time& deadline) {
  void* event = nullptr;
  bool ok = false;
  if (queue.AsyncNext(&event, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT)
    return false;
  static_cast<call_event*>(event)->on_event(ok);
  return true;
}

/// No waiting.
gpr_timespec at_once() { return gpr_inf_past(GPR_CLOCK_MONOTONIC); }

} // namespace

call_queue::~call_queue() {
  join();
  // A started one has no events left; grpc++ wants to be asked all the same.
  for (auto* queue : {static_cast<grpc::CompletionQueue*>(events_.get()), &answers_}) {
    queue->Shutdown();
    while (hear_one(*queue, gpr_inf_future(GPR_CLOCK_MONOTONIC))) {
    }
  }
}

void call_queue::start() {
  thread_ = std::thread([this] { run(); });
}

void call_queue::join() {
  if (thread_.joinable())
    thread_.join();
}

void call_queue::run() {
  // Where this thread and an actor's share the only core, it need not interrupt that one for each
  // call: the calls of a round are handed over together. With more cores it would only be late.
  if (usable_cores() == 1)
    set_batch_work(true);
  // An operation that is started after its queue was shut down ends the process, so the calls
  // come first.
  while (calls_ > 0) {
    hear_one(*events_, std::chrono::system_clock::now() + patience);
    hear_answers();
  }
}

void call_queue::hear_answers() {
  auto expected = answers_expected_.exchange(0);
  while (expected > 0 && hear_one(answers_, at_once()))
    --expected;
  answers_expected_ += expected; // announced, but still being sent
}

} // namespace nacre
