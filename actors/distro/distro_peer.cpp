#include "actors/distro/distro_peer.hpp"

#include <spdlog/spdlog.h>

#include "actors/distro/beat_relay.hpp"
#include "actors/distro/cluster_report.hpp"
#include "actors/distro/distro_load.hpp"
#include "actors/distro/distro_sync.hpp"
#include "actors/distro/distro_verify.hpp"
#include "actors/distro/replication.hpp"
#include "actors/distro/service_survey.hpp"
#include "actors/distro/subscriber_survey.hpp"
#include "protocol/cluster_codec.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// First wait before a peer is dialled again, doubling.
constexpr milliseconds dial_min{100};
constexpr milliseconds dial_max{500};

/// A wait of at least this length ends when the peer is heard.
constexpr milliseconds dial_early_from{400};

/// Longest plausible flight of a heartbeat; anything above is clock skew.
constexpr milliseconds flight_max{2'000};

/// MEMBERSHIP is told of frames that are no heartbeats this often at most.
constexpr milliseconds heard_interval{200};

/// Wires that closed are looked at in this interval, questions too.
constexpr auto tick_interval = 250ms;

constexpr milliseconds question_patience{2'000};

/// Further ones are not asked while these wait.
constexpr std::size_t questions_max = 64;

/// Tells the actor of a peer what its link does.
class link_events final : public peer_listener {
public:
  link_events(distro_peer_actor owner, std::uint64_t dial)
    : owner_(caf::actor_cast<caf::weak_actor_ptr>(owner)), dial_(dial) {}

  void on_open() override { tell(link_opened{dial_}); }
  void on_closed(bool refused, const std::string& why) override {
    tell(link_closed{dial_, refused, why});
  }

private:
  template <class Message>
  void tell(Message x) {
    if (auto owner = caf::actor_cast<distro_peer_actor>(owner_))
      caf::anon_send(owner, std::move(x));
  }

  caf::weak_actor_ptr owner_;
  const std::uint64_t dial_;
};

} // namespace

void distro_peer_state::start(node_context_ptr ctx, cluster_peer_ptr other) {
  context = std::move(ctx);
  peer = std::move(other);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  self->set_exit_handler([this](const caf::exit_msg& msg) {
    peer->set_link(nullptr);
    end_children();
    self->quit(msg.reason);
  });
  auto view = context->cluster->now();
  if (auto known = view->find(peer->address))
    last_heard = known->last_heard;
  end_children(); // those of a failed predecessor
  // A failed predecessor's link still reports to that actor.
  peer->set_link(nullptr);
  tell_membership(link_changed{peer->address, false, false});
  for (std::size_t i = 0; i < children_count; ++i)
    spawn_child(i);
  dial();
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

template <class Message>
void distro_peer_state::tell_membership(Message msg) {
  self->send(context->cluster->membership.get(), std::move(msg));
}

void distro_peer_state::end_children() {
  auto end = [this](auto actor) {
    if (actor)
      self->send_exit(actor, caf::exit_reason::user_shutdown);
  };
  end(peer->sync.get());
  end(peer->verify.get());
  end(peer->load.get());
}

void distro_peer_state::spawn_child(std::size_t kind) {
  auto born = children.next_birth(kind);
  auto& system = self->system();
  auto put = [&]<class State>(std::type_identity<State>, auto& cell, auto actor) {
    cell.set(actor);
    children.watch<State>(kind, actor);
  };
  if (kind == sync)
    put(std::type_identity<distro_sync_state>(), peer->sync,
        system.spawn(distro_sync, context, peer, born));
  else if (kind == verify)
    put(std::type_identity<distro_verify_state>(), peer->verify,
        system.spawn(distro_verify, context, peer, born));
  else
    put(std::type_identity<distro_load_state>(), peer->load,
        system.spawn(distro_load, context, peer, born));
}

void distro_peer_state::on_down(const caf::down_msg& msg) {
  respawn_failed(*this, self, msg, context->clock.steady(),
                 [](std::size_t child) { return respawn_child{child}; });
}

void distro_peer_state::on_respawn(const respawn_child& msg) {
  spawn_child(msg.child);
  // What the failed one was about to tell is found by the next verify.
  if (msg.child == load)
    tell_membership(load_ended{peer->address, false, std::nullopt});
}

// -- the link ------------------------------------------------------------------------------------

void distro_peer_state::dial() {
  waits_to_dial = false;
  auto owner = caf::actor_cast<distro_peer_actor>(self);
  auto events = std::make_shared<link_events>(owner, ++dials);
  dialled = context->cluster->network->dial(peer->address, std::move(events));
}

void distro_peer_state::on_opened(const link_opened& msg) {
  if (msg.dial != dials)
    return;
  dial_delay = 0ms;
  spdlog::info("peer-connected {}", peer->address);
  peer->set_link(dialled);
  tell_membership(link_changed{peer->address, true, false});
  send_heartbeat();
  tell_children(true);
}

void distro_peer_state::on_closed(const link_closed& msg) {
  if (msg.dial != dials)
    return;
  if (peer->open()) {
    spdlog::warn("peer-disconnected {}: {}", peer->address, msg.why);
    peer->set_link(nullptr);
    tell_children(false);
  }
  dialled = nullptr;
  tell_membership(link_changed{peer->address, false, msg.refused});
  dial_delay = std::min(dial_max, std::max(dial_min, dial_delay * 2));
  waits_to_dial = true;
  self->delayed_send(self, dial_delay, dial_again{dials});
}

void distro_peer_state::on_dial(const dial_again& msg) {
  if (msg.dial == dials)
    dial();
}

/// A peer that is heard can be reached, it seems. Once, then the delays rise anew.
void distro_peer_state::dial_early() {
  if (!waits_to_dial || dial_delay < dial_early_from)
    return;
  dial_delay = 0ms;
  dial();
}

void distro_peer_state::tell_children(bool open) {
  self->send(peer->sync.get(), link_state{open});
  self->send(peer->verify.get(), link_state{open});
  self->send(peer->load.get(), link_state{open});
}

void distro_peer_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
  auto now = context->clock.steady();
  if (now - heartbeat_sent >= context->options.cluster.heartbeat_interval)
    send_heartbeat();
  std::erase_if(questions,
                [now](const auto& x) { return now - x.second.asked >= question_patience; });
}

void distro_peer_state::send_heartbeat() {
  if (!peer->open())
    return;
  auto now = heartbeat_sent = context->clock.steady();
  auto view = context->cluster->now();
  heartbeat x;
  x.clock = context->clock.common.now(now);
  x.your_incarnation = known_incarnation();
  x.your_age_ms = last_heard ? to_ms(now - *last_heard) : -1;
  x.loaded = view->own().loaded;
  x.records = context->cluster->replicas.alive();
  for (auto& other : view->members())
    if (other.address != peer->address && other.address != view->self() && other.incarnation != 0)
      x.others.push_back({other.address, other.incarnation,
                          other.dead ? -1 : to_ms(std::max(0ms, now - other.last_alive))});
  send(std::move(x));
}

// -- what the peer says --------------------------------------------------------------------------

std::int64_t distro_peer_state::known_incarnation() const {
  auto view = context->cluster->now();
  auto known = view->find(peer->address);
  return std::max(incarnation, known ? known->incarnation : 0);
}

bool distro_peer_state::has_left(std::int64_t number) const {
  auto view = context->cluster->now();
  auto known = view->find(peer->address);
  return number <= left_incarnation || (known && known->left && number == known->incarnation);
}

void distro_peer_state::on_frame(const peer_frame& msg) {
  auto& counters = peer->counters;
  ++counters.frames_received;
  counters.bytes_received += msg.bytes.size();
  try {
    auto frame = decode_frame(msg.bytes);
    bool outdated = frame.sender_incarnation < known_incarnation();
    // One of an earlier number may be of a node whose clock went back: it has to hear of that.
    if (outdated && std::holds_alternative<heartbeat>(frame.message))
      send_heartbeat();
    if (outdated || has_left(frame.sender_incarnation))
      return;
    bool is_new = frame.sender_incarnation != incarnation;
    incarnation = frame.sender_incarnation;
    auto now = context->clock.steady();
    last_heard = now;
    if (is_new || now - heard_told >= heard_interval)
      note_heard(std::nullopt);
    dial_early();
    std::visit([this](auto& x) { on_peer(x); }, frame.message);
  } catch (const unreadable_frame& bad) {
    if (counters.frames_unreadable++ == 0)
      spdlog::warn("frame-unreadable of {}: {}; more of them are only counted", peer->address,
                   bad.what());
  }
}

void distro_peer_state::note_heard(std::optional<heartbeat_content> heartbeat) {
  heard_told = context->clock.steady();
  tell_membership(
    peer_heard{peer->address, incarnation, heard_told, peer->open(), std::move(heartbeat)});
}

void distro_peer_state::on_peer(heartbeat& msg) {
  auto& common = context->clock.common;
  auto now = context->clock.steady();
  common.observe(msg.clock, now);
  if (msg.your_incarnation > context->cluster->now()->incarnation())
    tell_membership(outbid_incarnation{msg.your_incarnation});
  // When the peer wrote this. Taken for new, a sign of life that nodes tell each other in a slow
  // network would never grow old.
  auto flight = hybrid_clock::time_of(common.now(now)) - hybrid_clock::time_of(msg.clock);
  auto written = now - std::clamp(flight, 0ms, flight_max);
  heartbeat_content said;
  said.loaded = msg.loaded;
  said.records = msg.records;
  if (msg.your_age_ms >= 0)
    said.heard_us = written - milliseconds(msg.your_age_ms);
  for (auto& x : msg.others)
    said.others.push_back(
      {x.address, x.incarnation,
       x.age_ms < 0 ? std::nullopt : std::optional(written - milliseconds(x.age_ms))});
  note_heard(std::move(said));
}

void distro_peer_state::on_peer(farewell&) {
  spdlog::info("peer-left {}", peer->address);
  left_incarnation = incarnation;
  tell_membership(peer_left{peer->address, incarnation});
}

void distro_peer_state::on_peer(record_batch& msg) {
  peer->counters.records_received += msg.records.size();
  dispatch_records(*context, peer->address, std::move(msg.records), nullptr);
  // Acknowledged when it is in the mailboxes of the shards: a shard that fails with it in there is
  // put right by the next verify.
  send(batch_ack{msg.number});
}

void distro_peer_state::on_peer(batch_ack& msg) { self->send(peer->sync.get(), msg); }
void distro_peer_state::on_peer(client_verify_failed& msg) {
  self->send(peer->sync.get(), std::move(msg));
}

void distro_peer_state::on_peer(renewals& msg) {
  take_renewals(*context, *peer, msg, context->clock.steady());
}

void distro_peer_state::on_peer(verify_request& msg) {
  self->send(peer->verify.get(), std::move(msg));
}

void distro_peer_state::on_peer(verify_listing& msg) {
  self->send(peer->verify.get(), std::move(msg));
}

void distro_peer_state::on_peer(snapshot_request& msg) { self->send(peer->load.get(), msg); }
void distro_peer_state::on_peer(snapshot_chunk& msg) {
  self->send(peer->load.get(), std::move(msg));
}

// -- questions of operators ----------------------------------------------------------------------

void distro_peer_state::on_ask(const ask_peer& msg) {
  auto id = ++last_question;
  if (questions.size() < questions_max && send(msg.survey->question(id)))
    questions[id] = {context->clock.steady(), msg.survey};
}

void distro_peer_state::take_answer(std::uint64_t id, cluster_message answer) {
  auto i = questions.find(id);
  if (i == questions.end())
    return;
  i->second.survey->take(peer->address, std::move(answer));
  questions.erase(i);
}

void distro_peer_state::on_peer(service_query& msg) {
  service_key_view service{msg.namespace_id, msg.group, msg.service};
  send(service_answer{msg.id, records_of_service(*context, service, context->clock.steady())});
}

void distro_peer_state::on_peer(service_answer& msg) { take_answer(msg.id, std::move(msg)); }

void distro_peer_state::on_peer(subscriber_query& msg) {
  send(subscriber_answer{msg.id, subscribers_here(*context, msg.wanted)});
}

void distro_peer_state::on_peer(subscriber_answer& msg) { take_answer(msg.id, std::move(msg)); }

// -- the store -----------------------------------------------------------------------------------

void distro_peer_state::on_peer(store_message& msg) {
  if (auto store = context->actors.store.get())
    self->send(store, store_heard{peer->address, std::move(msg)});
}

// -- a second opinion ----------------------------------------------------------------------------

void distro_peer_state::on_peer(probe_query& msg) {
  if (auto health = context->actors.health.get())
    self->send(health, second_opinion_wanted{peer->address, std::move(msg)});
}

void distro_peer_state::on_peer(probe_findings& msg) { take_answer(msg.id, msg); }

// -- status --------------------------------------------------------------------------------------

std::string distro_peer_state::summary() const {
  auto view = context->cluster->now();
  auto known = view->find(peer->address);
  return std::string(peer->open() ? "connected" : "not connected") + ", "
         + std::to_string(known ? known->records : 0) + " records there, "
         + std::to_string(peer->counters.pending) + " changes pending";
}

void distro_peer_state::details(json_writer& out) const {
  auto view = context->cluster->now();
  if (auto known = view->find(peer->address))
    write_peer_fields(out, *known, peer->counters, context->clock.steady());
}

distro_peer_actor::behavior_type
distro_peer(distro_peer_actor::stateful_pointer<distro_peer_state> self, node_context_ptr context,
            cluster_peer_ptr peer, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context), std::move(peer));
  return {
    on<&distro_peer_state::on_opened>(self),  on<&distro_peer_state::on_closed>(self),
    on<&distro_peer_state::on_frame>(self),   on<&distro_peer_state::on_ask>(self),
    on<&distro_peer_state::on_tick>(self),    on<&distro_peer_state::on_dial>(self),
    on<&distro_peer_state::on_respawn>(self), on_status(self),
  };
}

} // namespace nacre
