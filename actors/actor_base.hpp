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

/// A behaviour line: the message goes to a member of the state and is counted.
template <class Self, class State, class Result, class... Message>
auto on(Self* self, Result (State::*member)(const Message&...)) {
  return [self, member](const Message&... message) -> Result {
    ++self->state.handled;
    return (self->state.*member)(message...);
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
