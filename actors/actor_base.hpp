#pragma once

#include <string>
#include <utility>

#include <caf/all.hpp>

#include "actors/messages.hpp"
#include "actors/node_context.hpp"

/// What all actors of a node share: how a behaviour line is written, and the status answer.
namespace nacre {

/// Base of all actor states.
struct actor_state {
  actor_origin_ptr origin;
  caf::actor_clock::time_point born;
  std::uint64_t handled = 0;
};

/// The message type a handler takes and what it gives.
template <class Member>
struct handler_traits;

template <class State, class Result, class Message>
struct handler_traits<Result (State::*)(const Message&)> {
  using result = Result;
  using argument = const Message&;
};

/// A handler that keeps parts of its message takes it by reference and moves them out.
template <class State, class Result, class Message>
struct handler_traits<Result (State::*)(Message&)> {
  using result = Result;
  using argument = Message&;
};

/// A behaviour line: the message goes to a member of the state and is counted. The member is part
/// of the type, since a pointer to it would be stored once per line and actor.
template <auto Member, class Self>
auto on(Self* self) {
  using traits = handler_traits<decltype(Member)>;
  return [self](typename traits::argument message) -> typename traits::result {
    ++self->state.handled;
    return (self->state.*Member)(message);
  };
}

/// Fills what every actor can tell of itself; `summary` is a line for people.
template <class Self, class State>
actor_status make_status(Self* self, const State& state, std::string key, std::string summary) {
  actor_status status;
  status.id = self->id();
  status.kind = state.name;
  status.key = std::move(key);
  status.summary = std::move(summary);
  status.mailbox_length = self->mailbox().size();
  status.messages_handled = state.handled;
  if (state.origin) {
    status.parent = state.origin->parent;
    status.restarts = state.origin->restarts;
    status.last_failure = state.origin->last_failure;
  }
  status.age_ms = std::chrono::duration_cast<std::chrono::milliseconds>(self->clock().now()
                                                                        - state.born)
                    .count();
  return status;
}

/// To be called first in a behaviour.
template <class Self>
void begin_life(Self* self, actor_origin_ptr origin) {
  self->state.origin = std::move(origin);
  self->state.born = self->clock().now();
}

} // namespace nacre
