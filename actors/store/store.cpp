#include "actors/store/store.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "protocol/store_codec.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

constexpr auto tick_interval = 250ms;

/// Who asks is told after this time that nothing was agreed on.
constexpr milliseconds patience{3'000};

/// One that failed is asked again after this time.
constexpr auto disk_retry = 1s;

/// Writes that wait to be agreed on.
constexpr std::size_t waiting_max = 10'000;

/// A log shorter than this is kept, and one shorter than the state.
constexpr std::size_t long_log_bytes = 8 * 1024 * 1024;

} // namespace

void store_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  session = context->life + self->id(); // this STORE's own, by its place among the actors
  self->send(context->actors.store_writer.get(), load_store{});
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

void store_state::on_loaded(const store_loaded& msg) {
  auto& found = *msg.contents;
  identity = found.identity;
  state = found.state.empty() ? agreed_state() : agreed_state::load(found.state);
  state_bytes = found.state.size();
  raft::settings how;
  how.self = identity.self;
  how.seed = session;
  core.emplace(how, std::move(found.member), context->clock.steady());
  core->tick(context->clock.steady());
  work();
}

// -- what is asked for ---------------------------------------------------------------------------

void store_state::on_propose(propose& msg) {
  if (!failing.empty())
    return complete(msg.answer, {ec::unavailable, "the disk of this node fails: " + failing});
  if (waiting.size() + proposed.size() >= waiting_max)
    return complete(msg.answer, {ec::unavailable, "too many writes wait to be agreed on"});
  waiting.push_back({std::move(msg), context->clock.steady() + patience});
  work();
}

void store_state::propose_waiting() {
  while (shown && !waiting.empty() && core->leads()) {
    auto next = std::move(waiting.front());
    waiting.pop_front();
    agreed::request x;
    x.session = session;
    x.number = ++last_number;
    x.answered_below = proposed.empty() ? x.number : proposed.begin()->first;
    x.by = next.what.by;
    x.at_ms = to_ms(context->clock.wall());
    x.what = std::move(next.what.what);
    core->propose(encode_request(x));
    proposed.emplace(x.number, std::move(next));
  }
}

void store_state::expire(steady_time now) {
  auto give_up = [](asked& x) {
    complete(std::exchange(x.what.answer, nullptr),
             {ec::unavailable, "it was not agreed on within 3 s"});
  };
  while (!waiting.empty() && waiting.front().until <= now) {
    give_up(waiting.front());
    waiting.pop_front();
  }
  // Each may still take effect; who asked is gone by then.
  for (auto& [number, x] : proposed)
    if (x.until <= now)
      give_up(x);
}

// -- the core ------------------------------------------------------------------------------------

void store_state::work() {
  if (!core)
    return;
  agreed_on out;
  for (auto& x : core->take_committed())
    apply(x, out);
  if (!shown && shows_all())
    show_state();
  else if (shown && !out.effects.empty())
    self->send(context->actors.metadata.get(), std::move(out));
  propose_waiting(); // if what was there before is shown
  send_to_disk();
  shorten_log();
}

bool store_state::shows_all() const {
  return core->leads() && core->knows_commit() && core->applied() == core->commit();
}

void store_state::show_state() {
  if (!std::exchange(shown, true))
    spdlog::info("store-ready {} instances, {} services, {} namespaces at {} of term {}",
                 state.instances(), state.services().size(), state.namespaces().size(),
                 core->applied(), core->term());
  self->send(context->actors.metadata.get(), agreed_state_is{state.everything()});
}

void store_state::on_state_wanted(const agreed_state_wanted&) {
  if (shown)
    show_state();
}

void store_state::apply(const raft::entry& x, agreed_on& out) {
  if (x.kind != raft::entry_kind::command)
    return;
  auto request = decode_request(x.data);
  auto applied = state.apply(request, x.at.index);
  agreed_on::effect effect{std::move(applied.done), std::move(applied.change),
                           std::move(request.by), nullptr};
  if (request.session == session)
    if (auto known = proposed.find(request.number); known != proposed.end()) {
      effect.answer = std::move(known->second.what.answer);
      proposed.erase(known);
    }
  out.effects.push_back(std::move(effect));
}

// -- the disk ------------------------------------------------------------------------------------

void store_state::send_to_disk() {
  if (writing)
    return;
  if (auto round = core->take_round()) {
    writing = std::make_shared<const raft::disk_round>(std::move(*round));
    self->send(context->actors.store_writer.get(), write_round{writing});
  }
}

void store_state::on_round_written(const round_written& msg) {
  if (!writing || writing->number != msg.number)
    return; // of one before this
  writing = nullptr;
  ++rounds;
  slowest_round = std::max(slowest_round, msg.took);
  if (!std::exchange(failing, {}).empty())
    spdlog::info("store-disk-recovered");
  context->counters.store_fails = false;
  core->on_persisted(msg.number);
  work();
}

void store_state::on_disk_failed(const disk_failed& msg) {
  if (failing.empty())
    spdlog::error("store-disk-failed {}: nothing can be agreed on by this node", msg.why);
  failing = msg.why;
  context->counters.store_fails = true;
  if (!std::exchange(asks_again, true))
    self->delayed_send(self, disk_retry, ask_disk_again{});
}

/// The same again: a round that was written already changes nothing.
void store_state::on_ask_disk_again(const ask_disk_again&) {
  asks_again = false;
  auto writer = context->actors.store_writer.get();
  if (!core)
    self->send(writer, load_store{});
  if (writing)
    self->send(writer, write_round{writing});
  if (storing) {
    storing_part = 0;
    self->send(writer, write_state_part{storing, 0});
  }
}

void store_state::shorten_log() {
  auto& log = core->entries();
  if (storing || log.bytes() < std::max(long_log_bytes, state_bytes))
    return;
  auto index = core->applied();
  auto bytes = std::make_shared<const std::string>(state.save());
  state_bytes = bytes->size();
  storing = std::make_shared<const raft::state_image>(
    raft::state_image{{log.term_at(index), index}, log.members_at(index), bytes});
  storing_part = 0;
  self->send(context->actors.store_writer.get(), write_state_part{storing, 0});
}

void store_state::on_state_part_written(const state_part_written& msg) {
  if (!storing || storing->last.index != msg.index || storing_part != msg.part)
    return;
  if (!msg.is_last) {
    self->send(context->actors.store_writer.get(), write_state_part{storing, ++storing_part});
    return;
  }
  core->compact(msg.index);
  storing = nullptr;
  ++stored_states;
}

void store_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
  auto now = context->clock.steady();
  expire(now);
  if (!core)
    return;
  core->tick(now);
  work();
}

// -- status --------------------------------------------------------------------------------------

void store_state::on_describe(const describe_store& msg) {
  json_writer out;
  out.begin_object();
  details(out);
  out.end_object();
  complete(msg.answer, {ec::none, out.take()});
}

std::string store_state::summary() const {
  if (!core)
    return "reads its disk";
  return std::string(to_string(core->role())) + " of term " + std::to_string(core->term()) + ", "
         + std::to_string(core->applied()) + " of " + std::to_string(core->entries().last_index())
         + " applied" + (failing.empty() ? "" : ", the disk fails");
}

void store_state::details(json_writer& out) const {
  if (!core)
    return;
  auto id = [](raft::member_id x) { return std::to_string(x); }; // no double holds all of them
  out.field("self", id(identity.self))
    .field("group", id(identity.group))
    .field("role", to_string(core->role()))
    .field("leader", id(core->leader()))
    .field("term", core->term())
    .field("commitIndex", core->commit())
    .field("appliedIndex", core->applied())
    .field("persistedIndex", core->persisted())
    .field("lastIndex", core->entries().last_index())
    .field("firstIndex", core->entries().base().index + 1);
  out.key("voters").begin_array();
  for (auto x : core->entries().members().voters)
    out.string(id(x));
  out.end_array().key("learners").begin_array();
  for (auto x : core->entries().members().learners)
    out.string(id(x));
  out.end_array();
  out.field("waitingWrites", waiting.size() + proposed.size())
    .field("logBytes", core->entries().bytes())
    .field("lastStateBytes", state_bytes)
    .field("storedStates", stored_states);
  out.key("disk")
    .begin_object()
    .field("rounds", rounds)
    .field("slowestRoundMs", to_ms(slowest_round))
    .field("failing", failing)
    .end_object();
  std::size_t overrides = 0;
  std::size_t metadata = 0;
  for (auto& [service, x] : state.services()) {
    overrides += x.overrides ? x.overrides->size() : 0;
    metadata += x.metadata ? 1 : 0;
  }
  out.key("holds")
    .begin_object()
    .field("services", state.services().size())
    .field("instances", state.instances())
    .field("overrides", overrides)
    .field("servicesWithSettings", metadata)
    .field("namespaces", state.namespaces().size())
    .end_object();
}

store_actor::behavior_type store(store_actor::stateful_pointer<store_state> self,
                                 node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&store_state::on_loaded>(self),
    on<&store_state::on_propose>(self),
    on<&store_state::on_state_wanted>(self),
    on<&store_state::on_round_written>(self),
    on<&store_state::on_state_part_written>(self),
    on<&store_state::on_disk_failed>(self),
    on<&store_state::on_ask_disk_again>(self),
    on<&store_state::on_describe>(self),
    on<&store_state::on_tick>(self),
    on_status(self),
  };
}

} // namespace nacre
