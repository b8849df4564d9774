#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include <grpcpp/grpcpp.h>

namespace nacre {

/// What is told when an operation of a call is over; starts it and outlives it.
class call_event {
public:
  /// @param ok whether the operation did what it was for
  virtual void on_event(bool ok) = 0;

protected:
  ~call_event() = default;
};

/// An event that goes to a member of its owner.
template <class Owner, void (Owner::*Handler)(bool)>
class event_of final : public call_event {
public:
  explicit event_of(Owner& owner) : owner_(owner) {}

  void on_event(bool ok) override { (owner_.*Handler)(ok); }

private:
  Owner& owner_;
};

/// Calls of clients with the thread that reads them from their sockets and hears their events.
/// grpc++'s callback API would keep at least two threads for this, which wake one another for each
/// answer that an actor gives: on one core that was a third of the time of a registration.
class call_queue {
public:
  explicit call_queue(grpc::ServerBuilder& builder) : events_(builder.AddCompletionQueue()) {}
  ~call_queue();
  call_queue(const call_queue&) = delete;
  call_queue& operator=(const call_queue&) = delete;

  /// Where the thread waits.
  grpc::ServerCompletionQueue* events() { return events_.get(); }

  /// For the ends of answers, each announced before it is sent, by any thread. Nobody waits for
  /// them, so that an actor which answers wakes nobody: they are heard along with the next event.
  grpc::CompletionQueue* answers() { return &answers_; }
  void announce_answer() { ++answers_expected_; }

  /// To be called when the first calls have been asked for.
  void start();

  /// Returns when the server is shut down and the last call has ended.
  void join();

  /// A call was asked for. These two only before `start` or in an event.
  void enter() { ++calls_; }

  /// A call has ended: it starts no operation any more.
  void leave() { --calls_; }

private:
  /// While nothing happens, answers are heard this late.
  static constexpr std::chrono::milliseconds patience{100};

  void run();
  void hear_answers();

  std::unique_ptr<grpc::ServerCompletionQueue> events_;
  grpc::CompletionQueue answers_;
  std::atomic<int> answers_expected_{0};
  std::thread thread_;
  /// Never 0 before the server is shut down, as the next call is always asked for.
  int calls_ = 0;
};

} // namespace nacre
