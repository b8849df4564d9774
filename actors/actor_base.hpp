#pragma once

#include <string>
#include <typeinfo>
#include <utility>

#include <boost/core/demangle.hpp>
#include <caf/all.hpp>

#include "actors/node_context.hpp"
#include "protocol/json_writer.hpp"

/// What all actors of a node share: how a behaviour line is written, and the status answer.
namespace nacre {

/// Base of all actor states. A state that derives from it says what its status shows:
/// `key()` which of its kind it is, `summary()` a line for people, `details(out)` the fields of a
/// JSON object. One with `has_own_thread` may take its time.
struct actor_state {
  birth_ptr birth;
  caf::actor_clock::time_point started;
  std::uint64_t handled = 0;

  /// Of a kind of which a node has one.
  std::string key() const { return {}; }
};

/// Base of the states of actors that supervise others by `Key`. All children are in `children`, so
/// whatever is supervised is seen by operators.
template <class Key>
struct supervising_state : actor_state, supervises_tag {
  explicit supervising_state(caf::local_actor* me) : children(me) {}

  /// How a child's key is shown.
  static const std::string& shown(const std::string& key) { return key; }
  static std::string shown(const service_ref& key) { return key->full_name(); }

  supervisor<Key> children;
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

/// A message took its actor longer than others on its thread should wait.
template <class State>
void note_stall(State& state, const std::type_info& message, milliseconds lasted) {
  if constexpr (
    !requires { State::has_own_thread; } && requires { state.context->tables; })
    if (state.context)
      state.context->tables.stalls.note(State::name + (' ' + state.key()) + " with "
                                          + boost::core::demangle(message.name()),
                                        lasted, state.context->clock.wall());
}

/// A behaviour line: the message goes to a member of the state and is counted. The member is part
/// of the type, since a pointer to it would be stored once per line and actor.
template <auto Member, class Self>
auto on(Self* self) {
  using traits = handler_traits<decltype(Member)>;
  return [self](typename traits::argument message) -> typename traits::result {
    ++self->state.handled;
    work_timer timer;
    struct at_end {
      work_timer& timer;
      Self* self;
      ~at_end() {
        if (timer.is_stall())
          note_stall(self->state, typeid(typename traits::argument), timer.elapsed());
      }
    } guard{timer, self};
    return (self->state.*Member)(message);
  };
}

/// What every actor can tell of itself, and of its children if it has any.
template <class Self>
actor_status status_of(Self* self, const status_request& msg) {
  auto& state = self->state;
  using state_type = std::decay_t<decltype(state)>;
  actor_status status;
  status.id = self->id();
  status.kind = state_type::name;
  status.key = state.key();
  status.summary = state.summary();
  status.mailbox_length = self->mailbox().size();
  status.messages_handled = state.handled;
  if (state.birth) {
    status.parent = state.birth->parent;
    status.restarts = state.birth->restarts;
    status.last_failure = state.birth->last_failure;
  }
  status.age_ms =
    std::chrono::duration_cast<std::chrono::milliseconds>(self->clock().now() - state.started)
      .count();
  if (msg.detailed) {
    json_writer out;
    out.begin_object();
    state.details(out);
    out.end_object();
    status.details = out.take();
  }
  if constexpr (kind_of<state_type>.supervises)
    status.children =
      state.children.report(msg.children, [&](auto& key) { return state.shown(key); });
  return status;
}

/// The behaviour line of the status, the same for all.
template <class Self>
auto on_status(Self* self) {
  return [self](const status_request& msg) -> actor_status {
    ++self->state.handled;
    return status_of(self, msg);
  };
}

/// A behaviour without memory of its own but for its actor: CAF's keeps an object for each line,
/// which is half a kB an actor, and there may be a hundred thousand services.
template <class Self, auto... Members>
class lean_behavior : public caf::detail::behavior_impl {
public:
  explicit lean_behavior(Self* self) : self_(self) {}

  using behavior_impl::invoke;

  caf::match_case::result invoke(caf::detail::invoke_result_visitor& visitor,
                                 caf::type_erased_tuple& message) override {
    auto result = caf::match_case::no_match;
    auto try_line = [&](auto line) {
      caf::trivial_match_case<decltype(line)> one(line);
      result = one.invoke(visitor, message);
      return result != caf::match_case::no_match;
    };
    (try_line(on<Members>(self_)) || ...) || try_line(on_status(self_));
    return result;
  }

private:
  Self* self_;
};

/// The lines `on<Members>(self)` and `on_status(self)` for kinds of actors of which there are very
/// many.
template <auto... Members, class Self>
auto lean_lines(Self* self) {
  using behavior = typename Self::behavior_type;
  // Never called: CAF looks whether these lines are what the interface says.
  [[maybe_unused]] auto check = [](Self* me) {
    return behavior{on<Members>(me)..., on_status(me)};
  };
  using impl = caf::detail::behavior_impl_ptr;
  return behavior(typename behavior::unsafe_init{},
                  caf::behavior(impl(new lean_behavior<Self, Members...>(self), false)));
}

/// What a supervisor does when an actor ended: a child that failed is started again by
/// `on_respawn(again(key))`, at once the first time.
template <class State, class Self, class Again>
void respawn_failed(State& state, Self* self, const caf::down_msg& msg, steady_time now,
                    Again again) {
  auto failed = state.children.on_down(msg, now);
  if (!failed)
    return;
  log_failure(failed->kind, state.shown(failed->key), failed->reason, failed->delay);
  if (failed->delay.count() == 0)
    state.on_respawn(again(failed->key));
  else
    self->delayed_send(self, failed->delay, again(failed->key));
}

/// To be called first in a behaviour.
template <class Self>
void init_state(Self* self, birth_ptr birth) {
  self->state.birth = std::move(birth);
  self->state.started = self->clock().now();
}

} // namespace nacre
