#include "grpc/call_queue.hpp"

#include "actors/batch_threads.hpp"

namespace nacre {

call_queue::~call_queue() {
  join();
  // A started one is empty by now; grpc++ wants to be asked all the same.
  events_->Shutdown();
  while (handle_next()) {
  }
}

void call_queue::start() {
  thread_ = std::thread([this] { run(); });
}

void call_queue::join() {
  if (thread_.joinable())
    thread_.join();
}

bool call_queue::handle_next() {
  void* event = nullptr;
  bool ok = false;
  if (!events_->Next(&event, &ok))
    return false;
  static_cast<call_event*>(event)->on_event(ok);
  return true;
}

void call_queue::run() {
  // Else the first answer that an actor gives would interrupt it, and the two would take turns
  // once per answer instead of once per round.
  set_batch_work(true);
  // An operation that is started after the queue was shut down ends the process, so the calls
  // come first.
  while (calls_ > 0)
    handle_next();
}

} // namespace nacre
