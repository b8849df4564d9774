#include "actors/distro_peer.hpp"

#include <spdlog/spdlog.h>

#include "actors/beat_relay.hpp"
#include "actors/cluster_report.hpp"
#include "actors/distro_load.hpp"
#include "actors/distro_sync.hpp"
#include "actors/distro_verify.hpp"
#include "actors/raise_to.hpp"
#include "actors/replication.hpp"
#include "actors/service_survey.hpp"
#include "protocol/cluster_codec.hpp"
#include "protocol/json_writer.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// First wait before a peer is dialled again, doubling.
constexpr std::int64_t dial_min_ms = 100;
constexpr std::int64_t dial_max_ms = 2'000;

/// A wait of at least this length ends when the peer is heard.
constexpr std::int64_t dial_early_ms = 400;

/// A heartbeat is not on its way for longer, as far as clocks that may differ can tell.
constexpr std::int64_t way_ms_max = 2'000;

/// Wires that closed are looked at in this interval, questions too.
constexpr auto tick_interval = 250ms;

constexpr std::int64_t question_patience_ms = 2'000;

/// Further ones are not asked while these wait.
constexpr std::size_t questions_max = 64;

/// Tells the actor of a peer what its wire does.
class wire_events final : public peer_listener {
public:
  wire_events(distro_peer_actor owner, std::uint64_t dial)
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
  end_children(); // those of a failed predecessor
  // The wire of a failed predecessor told that one how it fares.
  peer->open = false;
  peer->set_link(nullptr);
  for (std::size_t i = 0; i < children_count; ++i)
    spawn_child(i);
  dial();
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
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
  auto& x = children[kind];
  auto origin = std::make_shared<const actor_origin>(
    actor_origin{self->id(), x.delay.restarts(), x.last_failure});
  auto& system = self->system();
  auto put = [&](auto& cell, auto actor) {
    cell.set(actor);
    x.actor = caf::actor_cast<caf::actor>(actor);
  };
  switch (kind) {
    case sync:
      put(peer->sync, system.spawn(distro_sync, context, peer, origin));
      self->send(peer->sync.get(), changes_wait{}); // a predecessor may have been told of them
      break;
    case verify:
      put(peer->verify, system.spawn(distro_verify, context, peer, origin));
      break;
    default:
      put(peer->load, system.spawn(distro_load, context, peer, origin));
  }
  self->monitor(x.actor);
}

void distro_peer_state::on_down(const caf::down_msg& msg) {
  for (std::size_t i = 0; i < children_count; ++i) {
    auto& x = children[i];
    if (!x.actor || x.actor.address() != msg.source)
      continue;
    x.last_failure = self->system().render(msg.reason);
    auto delay = x.delay.next(steady_ms(self));
    spdlog::warn("actor-failed {} of {}: {}; starts again in {} ms",
                 std::array{"distro-sync", "distro-verify", "distro-load"}[i], peer->address,
                 x.last_failure, delay.count());
    self->delayed_send(self, delay, respawn_child{i});
  }
}

void distro_peer_state::on_respawn(const respawn_child& msg) {
  spawn_child(msg.child);
  // What the failed one was about to tell is found by the next verify.
  if (msg.child == load)
    self->send(context->cluster->membership.get(), load_ended{peer->address, false});
}

// -- the wire ------------------------------------------------------------------------------------

void distro_peer_state::dial() {
  waits_to_dial = false;
  auto owner = caf::actor_cast<distro_peer_actor>(self);
  auto events = std::make_shared<wire_events>(owner, ++dials);
  peer->set_link(context->cluster->network->dial(peer->address, std::move(events)));
}

void distro_peer_state::on_opened(const link_opened& msg) {
  if (msg.dial != dials)
    return;
  dial_delay_ms = 0;
  spdlog::info("peer-connected {}", peer->address);
  peer->open = true;
  send_heartbeat();
  tell_children(true);
}

void distro_peer_state::on_closed(const link_closed& msg) {
  if (msg.dial != dials)
    return;
  if (peer->open.exchange(false)) {
    spdlog::warn("peer-disconnected {}: {}", peer->address, msg.why);
    tell_children(false);
    self->send(context->cluster->membership.get(), load_ended{peer->address, false});
  }
  peer->set_link(nullptr);
  auto now = steady_ms(self);
  if (!msg.refused)
    peer->refused_since_ms = 0;
  else if (peer->refused_since_ms == 0)
    peer->refused_since_ms = now;
  dial_delay_ms = std::min(dial_max_ms, std::max(dial_min_ms, dial_delay_ms * 2));
  waits_to_dial = true;
  self->delayed_send(self, std::chrono::milliseconds(dial_delay_ms), dial_again{dials});
}

void distro_peer_state::on_dial(const dial_again& msg) {
  if (msg.dial == dials)
    dial();
}

/// A peer that is heard can be reached, it seems. Once, then the delays rise anew.
void distro_peer_state::dial_early() {
  if (!waits_to_dial || dial_delay_ms < dial_early_ms)
    return;
  dial_delay_ms = 0;
  dial();
}

void distro_peer_state::tell_children(bool open) {
  self->send(peer->sync.get(), link_state{open});
  self->send(peer->verify.get(), link_state{open});
}

void distro_peer_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
  auto now = steady_ms(self);
  if (now - beat_sent_ms >= context->options.cluster.heartbeat_interval.count())
    send_heartbeat();
  std::erase_if(questions, [now](const auto& x) {
    return now - x.second.asked_ms >= question_patience_ms;
  });
}

void distro_peer_state::send_heartbeat() {
  if (!peer->open)
    return;
  auto& cluster = *context->cluster;
  auto now = beat_sent_ms = steady_ms(self);
  heartbeat x;
  x.clock = cluster.clock.now(now);
  x.your_life = peer->life;
  x.your_age_ms = peer->heard_ms == 0 ? -1 : now - peer->heard_ms;
  x.loaded = cluster.loaded;
  x.records = cluster.replicas.alive();
  for (auto& other : cluster.peers.all())
    if (other != peer && other->life != 0 && !other->left)
      x.others.push_back({other->address, other->life, std::max<std::int64_t>(
                                                         0, now - other->sign_ms)});
  peer->send(cluster.life, std::move(x));
}

// -- what the peer says --------------------------------------------------------------------------

void distro_peer_state::on_frame(const peer_frame& msg) {
  auto& counters = peer->counters;
  ++counters.frames_received;
  counters.bytes_received += msg.bytes.size();
  try {
    auto frame = decode_frame(msg.bytes);
    auto now = steady_ms(self);
    bool outdated = !peer->take_life(frame.sender_life, now);
    // One of an earlier number may be of a node whose clock went back: it has to hear of that.
    if (outdated && std::holds_alternative<heartbeat>(frame.message))
      send_heartbeat();
    if (outdated || peer->left)
      return;
    peer->heard_ms = now;
    raise_to(peer->sign_ms, now);
    peer->refused_since_ms = 0;
    dial_early();
    std::visit([this](auto& x) { hear(x); }, frame.message);
  } catch (const unreadable_frame& bad) {
    if (counters.frames_unreadable++ == 0)
      spdlog::warn("frame-unreadable of {}: {}; more of them are only counted", peer->address,
                   bad.what());
  }
}

void distro_peer_state::hear(heartbeat& msg) {
  auto& cluster = *context->cluster;
  auto now = steady_ms(self);
  cluster.clock.observe(msg.clock, now);
  if (msg.your_life > cluster.life)
    cluster.raise_life(msg.your_life);
  // When the peer wrote this. Taken for new, a sign of life that nodes tell each other in a slow
  // network would never grow old.
  auto way_ms = hybrid_clock::to_ms(cluster.clock.now(now) - msg.clock);
  auto written_ms = now - std::clamp<std::int64_t>(way_ms, 0, way_ms_max);
  if (msg.your_age_ms >= 0)
    raise_to(peer->heard_us_ms, written_ms - msg.your_age_ms);
  peer->loaded = msg.loaded;
  peer->records = msg.records;
  for (auto& x : msg.others) {
    auto other = cluster.peers.find(x.address);
    auto heard_ms = written_ms - x.age_ms;
    if (other && x.age_ms >= 0 && other->take_life(x.life, heard_ms))
      raise_to(other->sign_ms, heard_ms);
  }
}

void distro_peer_state::hear(farewell&) {
  spdlog::info("peer-left {}", peer->address);
  peer->left = true;
}

void distro_peer_state::hear(record_batch& msg) {
  peer->counters.records_received += msg.records.size();
  deal_records(*context, peer->address, std::move(msg.records), nullptr);
  peer->send(context->cluster->life, batch_ack{msg.number});
}

void distro_peer_state::hear(batch_ack& msg) { self->send(peer->sync.get(), msg); }
void distro_peer_state::hear(record_request& msg) { self->send(peer->sync.get(), std::move(msg)); }

void distro_peer_state::hear(renewals& msg) {
  take_renewals(*context, *peer, msg, steady_ms(self));
}

void distro_peer_state::hear(bucket_digests& msg) {
  self->send(peer->verify.get(), std::move(msg));
}

void distro_peer_state::hear(bucket_listing& msg) {
  self->send(peer->verify.get(), std::move(msg));
}

void distro_peer_state::hear(snapshot_request& msg) { self->send(peer->load.get(), msg); }
void distro_peer_state::hear(snapshot_chunk& msg) { self->send(peer->load.get(), std::move(msg)); }

// -- questions of operators ----------------------------------------------------------------------

void distro_peer_state::on_ask(const ask_service& msg) {
  auto& key = *msg.service;
  auto id = ++last_question;
  if (questions.size() < questions_max
      && peer->send(context->cluster->life,
                    service_query{id, key.namespace_id, key.group, key.name}))
    questions[id] = {steady_ms(self), msg.survey};
}

std::vector<instance_record> records_of_service(const node_context& context,
                                                const service_key_view& service,
                                                std::int64_t now_ms) {
  std::vector<instance_record> records;
  auto view = context.directory.find(service);
  if (!view)
    return records;
  view->publications.for_each([&](const publication_ptr& x) {
    if (auto known = context.cluster->replicas.find(x->held_by->client, service))
      records.push_back(record_of(*context.cluster, *known, now_ms));
  });
  return records;
}

void distro_peer_state::hear(service_query& msg) {
  service_key_view service{msg.namespace_id, msg.group, msg.service};
  peer->send(context->cluster->life,
             service_answer{msg.id, records_of_service(*context, service, steady_ms(self))});
}

void distro_peer_state::hear(service_answer& msg) {
  auto i = questions.find(msg.id);
  if (i == questions.end())
    return;
  i->second.survey->take(peer->address, std::move(msg.records));
  questions.erase(i);
}

// -- status --------------------------------------------------------------------------------------

caf::result<actor_status> distro_peer_state::on_status(const status_request& msg) {
  auto summary = std::string(peer->open ? "connected" : "not connected") + ", "
                 + std::to_string(peer->records) + " records there, "
                 + std::to_string(peer->counters.pending) + " changes pending";
  auto status = make_status(self, *this, peer->address, std::move(summary));
  if (msg.detailed) {
    json_writer out;
    write_peer(out, *peer, steady_ms(self));
    status.details = out.take();
  }
  return status;
}

distro_peer_actor::behavior_type
distro_peer(distro_peer_actor::stateful_pointer<distro_peer_state> self, node_context_ptr context,
            cluster_peer_ptr peer, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), std::move(peer));
  return {
    on<&distro_peer_state::on_opened>(self),
    on<&distro_peer_state::on_closed>(self),
    on<&distro_peer_state::on_frame>(self),
    on<&distro_peer_state::on_ask>(self),
    on<&distro_peer_state::on_tick>(self),
    on<&distro_peer_state::on_dial>(self),
    on<&distro_peer_state::on_respawn>(self),
    on<&distro_peer_state::on_status>(self),
  };
}

} // namespace nacre
