#include "actors/store/store.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/base/batch_threads.hpp"
#include "actors/distro/cluster_context.hpp"
#include "protocol/store_codec.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// In a cluster heartbeats and elections hang on it.
constexpr milliseconds tick_interval{50};
constexpr milliseconds lone_tick_interval{250};

/// A node that starts and hears of no leader shows readers what it knew to be agreed on after this
/// time, rather than nothing.
constexpr milliseconds showing_patience{5'000};

/// It is put on the disk by itself, what is known to be committed, if no round was for this time.
constexpr milliseconds commit_interval{1'000};

/// One that failed is asked again after this time.
constexpr auto disk_retry = 1s;

/// A log shorter than this is kept, and one shorter than the state.
constexpr std::size_t long_log_bytes = 8 * 1024 * 1024;

} // namespace

void store_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  if (context->has_threads_for_disk)
    set_batch_work(false);
  session = context->life + self->id(); // this STORE's own, by its place among the actors
  random.seed(session);
  began = without_leader_since = context->clock.steady();
  if (context->cluster)
    members.emplace(context->cluster->self);
  self->send(context->actors.store_writer.get(), load_store{});
  keeps_time();
}

void store_state::keeps_time() {
  self->delayed_send(self, context->cluster ? tick_interval : lone_tick_interval, caf::tick_atom_v);
}

void store_state::on_loaded(const store_loaded& msg) {
  if (core)
    return; // it was asked twice
  disk_works();
  founding = false;
  if (!msg.contents) {
    identity = {random_id(), 0};
    if (!context->cluster)
      found(random_id(), {{identity.self}, {}});
    return;
  }
  auto& found = *msg.contents;
  identity = found.identity;
  state = found.state.empty() ? agreed_state() : agreed_state::load(found.state);
  state_at = found.member.base.index;
  state_bytes = found.state.size();
  raft::settings how;
  how.self = identity.self;
  how.seed = random();
  core.emplace(how, std::move(found.member), context->clock.steady());
  core->tick(context->clock.steady());
  work();
}

// -- the core ------------------------------------------------------------------------------------

void store_state::work_later() {
  if (!std::exchange(works_soon, true))
    self->send(self, work_on_store{});
}

void store_state::on_work(const work_on_store&) {
  works_soon = false;
  work();
}

void store_state::work() {
  if (!core)
    return;
  if (!core->leads()) {
    in_log.clear();
    reads_of_others.clear();
    complete(std::exchange(transfer, nullptr));
  }
  apply_committed();
  send_waiting();
  send_requests();
  send_messages();
  take_reads();
  answer_reads();
  send_to_disk();
  offer_state();
  shorten_log();
  publish_view();
}

void store_state::apply_committed() {
  agreed_on out;
  for (auto& x : core->take_committed())
    apply(x, out);
  if (!shown && may_show())
    return show_state();
  if (!shown || out.effects.empty())
    return;
  out.when_seen = when_seen();
  self->send(context->actors.metadata.get(), std::move(out));
}

/// When what is shown is no older than what was acknowledged before this leader's term; the core
/// may be ahead, as long as a state that the leader sent is on its way to the disk.
bool store_state::may_show() const {
  bool caught_up =
    state_at == core->commit() && state_at > 0 && core->entries().term_at(state_at) == core->term();
  return caught_up && leader() != raft::nobody;
}

void store_state::show_state() {
  auto at = core ? core->applied() : 0;
  if (!std::exchange(shown, true))
    spdlog::info("store-ready {} instances, {} services, {} namespaces at {} of term {}",
                 state.instances(), state.services().size(), state.namespaces().size(), at,
                 core ? core->term() : 0);
  showing = random_id();
  agreed_on out;
  out.is_whole_state = true;
  for (auto& x : state.everything())
    out.effects.push_back({{}, std::move(x), {}, nullptr});
  out.when_seen = when_seen();
  self->send(context->actors.metadata.get(), std::move(out));
}

void store_state::on_state_wanted(const agreed_state_wanted&) {
  if (shown)
    show_state();
}

void store_state::apply(const raft::entry& x, agreed_on& out) {
  state_at = x.at.index;
  if (x.kind != raft::entry_kind::command)
    return;
  auto request = decode_request(x.data);
  in_log.erase({request.session, request.number});
  auto applied = state.apply(request, x.at.index);
  agreed_on::effect effect{std::move(applied.done), std::move(applied.change),
                           std::move(request.by), nullptr};
  if (request.session == session)
    if (auto known = proposed.find(request.number); known != proposed.end()) {
      effect.answer = std::move(known->second.answer);
      proposed_bytes -= known->second.request.size();
      proposed.erase(known);
    }
  out.effects.push_back(std::move(effect));
}

// -- what readers see ----------------------------------------------------------------------------

readers_saw store_state::when_seen() {
  sent = state_at;
  return {showing, sent};
}

void store_state::on_readers_saw(const readers_saw& msg) {
  if (msg.showing != showing)
    return;
  seen = std::max(seen, msg.index);
  context->shows_agreed_state = true;
  answer_reads();
}

std::uint64_t store_state::seen_index() const {
  return !shown ? 0 : seen == sent ? state_at : seen;
}

// -- the disk ------------------------------------------------------------------------------------

void store_state::send_to_disk() {
  if (writing)
    return;
  auto now = context->clock.steady();
  if (auto round = core->take_round(now - round_began >= commit_interval)) {
    round_began = now;
    if (round->state) {
      // One that can't be read fails this actor before it is on the disk.
      arriving = agreed_state::load(*round->state->bytes);
      storing = nullptr; // it is older
    }
    writing = std::make_shared<const raft::disk_round>(std::move(*round));
    self->send(context->actors.store_writer.get(), write_round{writing});
  }
}

void store_state::on_round_written(const round_written& msg) {
  if (!writing || writing->number != msg.number)
    return; // of one before this
  auto done = std::exchange(writing, nullptr);
  ++rounds;
  slowest_round = std::max(slowest_round, msg.took);
  disk_works();
  if (done->state) {
    state = std::move(arriving);
    state_at = done->state->last.index;
    state_bytes = done->state->bytes->size();
    if (shown)
      show_state();
  }
  core->on_persisted(msg.number);
  work();
}

void store_state::disk_works() {
  if (!std::exchange(failing, {}).empty())
    spdlog::info("store-disk-recovered");
  context->counters.store_fails = false;
}

void store_state::on_disk_failed(const disk_failed& msg) {
  if (failing.empty())
    spdlog::error("store-disk-failed {}: nothing can be agreed on by this node", msg.why);
  failing = msg.why;
  context->counters.store_fails = true;
  if (core && context->cluster)
    core->step_down(); // one whose disk works is to lead
  if (!std::exchange(asks_again, true))
    self->delayed_send(self, disk_retry, ask_disk_again{});
}

/// The same again: a round that was written already changes nothing.
void store_state::on_ask_disk_again(const ask_disk_again&) {
  asks_again = false;
  founding = false; // it is offered again
  auto writer = context->actors.store_writer.get();
  if (!core)
    self->send(writer, load_store{});
  if (writing)
    self->send(writer, write_round{writing});
  if (storing)
    begin_to_store(storing);
  if (core && !writing && !storing)
    disk_works(); // as far as is known: it has nothing to do
}

void store_state::begin_to_store(std::shared_ptr<const raft::state_image> image) {
  storing = std::move(image);
  storing_part = 0;
  self->send(context->actors.store_writer.get(), write_state_part{storing, 0});
}

void store_state::shorten_log() {
  auto& log = core->entries();
  if (storing || state_at != core->applied() || log.bytes() < std::max(long_log_bytes, state_bytes))
    return;
  auto bytes = std::make_shared<const std::string>(state.save());
  state_bytes = bytes->size();
  begin_to_store(std::make_shared<const raft::state_image>(raft::state_image{
    {log.term_at(state_at), state_at}, log.members_at(state_at), std::move(bytes)}));
}

void store_state::on_state_part_written(const state_part_written& msg) {
  if (!storing || storing->last.index != msg.index || storing_part != msg.part)
    return;
  disk_works();
  if (!msg.is_last) {
    self->send(context->actors.store_writer.get(), write_state_part{storing, ++storing_part});
    return;
  }
  core->compact(msg.index);
  storing = nullptr;
  ++stored_states;
}

/// For members that lack what the log has no more.
void store_state::offer_state() {
  if (core->wants_state() && state_at == core->applied())
    core->offer_state(state_at, std::make_shared<const std::string>(state.save()));
}

// -- time ----------------------------------------------------------------------------------------

void store_state::on_tick(const caf::tick_atom&) {
  keeps_time();
  auto now = context->clock.steady();
  expire(now);
  if (leader() != raft::nobody)
    without_leader_since = now;
  if (!shown && context->cluster && !is_restart(birth) && failing.empty()
      && now - std::max(began, without_leader_since) >= showing_patience)
    show_state();
  if (members) {
    list_members();
    begin_a_group();
    tend_group();
    say_hello();
  }
  if (!core)
    return;
  if (failing.empty())
    core->tick(now);
  for (auto& [number, x] : proposed)
    if (number <= last_sent)
      send_to_leader(x); // again
  for (auto& [id, x] : reads)
    ask_leader(id, x);
  work();
}

store_actor::behavior_type store(store_actor::stateful_pointer<store_state> self,
                                 node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&store_state::on_propose>(self),       on<&store_state::on_state_wanted>(self),
    on<&store_state::on_confirm_reads>(self), on<&store_state::on_transfer>(self),
    on<&store_state::on_remove_member>(self), on<&store_state::on_heard>(self),
    on<&store_state::on_describe>(self),      on<&store_state::on_loaded>(self),
    on<&store_state::on_round_written>(self), on<&store_state::on_state_part_written>(self),
    on<&store_state::on_disk_failed>(self),   on<&store_state::on_ask_disk_again>(self),
    on<&store_state::on_readers_saw>(self),   on<&store_state::on_work>(self),
    on<&store_state::on_tick>(self),          on_status(self),
  };
}

} // namespace nacre
