#include "actors/membership.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/distro_peer.hpp"
#include "protocol/json_writer.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

constexpr auto tick_interval = 200ms;

/// A peer that refuses for this long is dead; a shorter time may be its restart.
constexpr std::int64_t refusal_ms = 500;

/// When ticks were this far apart this node itself had stood still, and heard nobody because of it.
constexpr std::int64_t standstill_ms = 2'000;

/// After a standstill of this length connections have ended whose clients are elsewhere by now.
constexpr std::int64_t rejoin_after_ms = 5'000;

/// A peer whose wire to this node works was heard within this time.
constexpr std::int64_t heard_lately_ms = 1'500;

constexpr std::int64_t sweep_interval_ms = 10'000;

/// Whether the same connections are lost.
bool same_losses(const member& a, const member& b) {
  return a.address == b.address && a.life == b.life && a.lost == b.lost
         && a.lost_up_to_life == b.lost_up_to_life;
}

bool same_member(const member& a, const member& b) {
  return same_losses(a, b) && a.state == b.state && a.dead == b.dead
         && a.lives_ending == b.lives_ending;
}

} // namespace

member judge_member(cluster_peer& x, const cluster_options& opts, std::int64_t now_ms) {
  member m;
  m.address = x.address;
  m.life = x.life;
  auto silent_ms = now_ms - x.sign_ms;
  auto refused_since = x.refused_since_ms.load();
  // A sign that others heard after we were refused counts: the refusal may be between us two.
  bool refused = refused_since != 0 && now_ms - refused_since >= refusal_ms
                 && (x.life == 0 || x.sign_ms <= refused_since + refusal_ms);
  m.dead = refused || x.left;
  if (m.dead || silent_ms >= opts.down_after.count())
    m.state = member_state::down;
  else if (silent_ms >= opts.suspicious_after.count() || x.life == 0)
    m.state = member_state::suspicious;
  else
    m.state = member_state::up;
  auto term = m.dead ? opts.dead_clients_after : opts.silent_clients_after;
  m.lost = m.state == member_state::down && silent_ms >= term.count();
  m.lost_up_to_life = x.lost_up_to_life(opts.dead_clients_after.count(), now_ms);
  m.lives_ending = x.has_ending_lives();
  return m;
}

void membership_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  self->set_exit_handler([this](const caf::exit_msg& msg) { on_exit(msg); });
  started_ms = waiting_since_ms = last_tick_ms = swept_ms = steady_ms(self);
  auto& cluster = *context->cluster;
  // The peers of a failed predecessor live on.
  for (auto& x : cluster.peers.all())
    if (auto actor = x->actor.get()) {
      peer_ids[actor.id()] = x->address;
      self->monitor(actor);
    }
  std::vector<std::string> listed;
  for (auto& x : cluster.now()->members())
    listed.push_back(x.address);
  on_listed({std::move(listed)});
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

// -- members and their actors --------------------------------------------------------------------

void membership_state::on_listed(const members_listed& msg) {
  auto& cluster = *context->cluster;
  auto place = std::find(msg.addresses.begin(), msg.addresses.end(), cluster.self);
  if (place == msg.addresses.end()) {
    spdlog::error("members-refused: the list does not name this node, {}", cluster.self);
    return;
  }
  addresses = msg.addresses;
  cluster.clock.set_number(static_cast<std::size_t>(place - msg.addresses.begin()));
  for (auto& x : cluster.peers.all())
    if (std::find(addresses.begin(), addresses.end(), x->address) == addresses.end())
      remove_peer(x);
  for (auto& address : addresses)
    if (address != cluster.self && !cluster.peers.find(address))
      add_peer(address);
  review(steady_ms(self));
}

void membership_state::add_peer(const std::string& address) {
  auto x = std::make_shared<cluster_peer>(address, steady_ms(self));
  spdlog::info("member-added {}", address);
  spawn_peer(x, std::make_shared<const actor_origin>(actor_origin{self->id(), 0, ""}));
  // Not before its actor is there: frames may come at once.
  context->cluster->peers.add(x);
}

void membership_state::remove_peer(const cluster_peer_ptr& x) {
  spdlog::info("member-removed {}", x->address);
  context->cluster->peers.remove(x->address);
  auto actor = x->actor.get();
  peer_ids.erase(actor.id());
  self->send_exit(actor, caf::exit_reason::user_shutdown);
}

void membership_state::spawn_peer(const cluster_peer_ptr& x, actor_origin_ptr why) {
  auto actor = self->system().spawn(distro_peer, context, x, std::move(why));
  x->actor.set(actor);
  peer_ids[actor.id()] = x->address;
  self->monitor(actor);
}

void membership_state::on_down(const caf::down_msg& msg) {
  auto i = peer_ids.find(msg.source.id());
  if (i == peer_ids.end())
    return;
  auto address = std::move(i->second);
  peer_ids.erase(i);
  auto delay = failures[address].next(steady_ms(self));
  spdlog::warn("actor-failed distro-peer {}: {}; starts again in {} ms", address,
               self->system().render(msg.reason), delay.count());
  self->delayed_send(self, delay, respawn_peer{address});
}

void membership_state::on_respawn(const respawn_peer& msg) {
  auto x = context->cluster->peers.find(msg.address);
  if (!x)
    return;
  spawn_peer(x, std::make_shared<const actor_origin>(
                  actor_origin{self->id(), failures[msg.address].restarts(), "failed"}));
  if (loading_from == msg.address)
    loading_from.clear();
}

void membership_state::on_exit(const caf::exit_msg& msg) {
  for (auto& x : context->cluster->peers.all())
    self->send_exit(x->actor.get(), caf::exit_reason::user_shutdown);
  self->quit(msg.reason);
}

// -- signs of life -------------------------------------------------------------------------------

void membership_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
  auto& cluster = *context->cluster;
  auto now = steady_ms(self);
  if (now - last_tick_ms > standstill_ms) {
    spdlog::warn("node-stood-still: no tick for {} ms, members get a fresh term",
                 now - last_tick_ms);
    for (auto& x : cluster.peers.all())
      x->sign_ms = now;
    if (now - last_tick_ms > rejoin_after_ms)
      rejoin(now);
  }
  last_tick_ms = now;
  review(now);
  if (cluster.loaded && cluster.rejoining && !cluster.now()->hears_majority())
    rejoin(now); // from those who are heard again first
  else
    load_if_needed(now);
  if (now - swept_ms >= sweep_interval_ms) {
    swept_ms = now;
    cluster.replicas.sweep(now - context->options.cluster.tombstone_term.count());
  }
}

void membership_state::review(std::int64_t now_ms) {
  auto& cluster = *context->cluster;
  auto& opts = context->options.cluster;
  auto before = cluster.now();
  std::vector<member> members;
  for (auto& address : addresses) {
    if (auto x = cluster.peers.find(address)) {
      members.push_back(judge_member(*x, opts, now_ms));
      continue;
    }
    member own{address, member_state::up};
    own.life = cluster.life;
    if (now_ms - started_ms >= opts.dead_clients_after.count())
      own.lost_up_to_life = own.life - 1;
    members.push_back(std::move(own));
  }
  auto& old = before->members();
  if (std::equal(old.begin(), old.end(), members.begin(), members.end(), same_member))
    return;
  for (auto& x : members)
    if (auto was = before->find(x.address); was && was->state != x.state)
      spdlog::info("member-{} {}{}", to_string(x.state), x.address,
                   x.dead ? " (dead)" : "");
  bool losses = !std::equal(old.begin(), old.end(), members.begin(), members.end(), same_losses);
  auto next = std::make_shared<cluster_view>(*before, std::move(members), now_ms);
  if (next->hears_majority() != before->hears_majority())
    spdlog::info(next->hears_majority() ? "majority-heard"
                                        : "majority-silent: nobody's silence counts here");
  cluster.view.set(next);
  tell_shards({next->ring_number() != before->ring_number(), losses});
}

void membership_state::tell_shards(const cluster_changed& what) {
  if (!what.ring && !what.losses)
    return;
  for (auto& shard : context->shards)
    if (auto actor = shard.get())
      self->send(actor, what);
}

// -- loading -------------------------------------------------------------------------------------

void membership_state::rejoin(std::int64_t now_ms) {
  auto& cluster = *context->cluster;
  if (cluster.peers.all().empty())
    return;
  cluster.rejoining = true;
  cluster.load_position = 0;
  loading_from.clear();
  waiting_since_ms = now_ms;
}

void membership_state::load_if_needed(std::int64_t now_ms) {
  auto& cluster = *context->cluster;
  if (cluster.serves() || !loading_from.empty())
    return;
  for (auto& x : cluster.peers.all())
    if (x->open && x->loaded && !x->left && now_ms - x->heard_ms < heard_lately_ms) {
      loading_from = x->address;
      return self->send(x->load.get(), begin_load{});
    }
  if (now_ms - waiting_since_ms >= context->options.cluster.load_patience.count())
    become_loaded("no loaded peer answers, this node begins");
}

void membership_state::on_load_ended(const load_ended& msg) {
  if (msg.peer != loading_from)
    return;
  loading_from.clear();
  if (msg.complete)
    become_loaded("from " + msg.peer);
}

void membership_state::become_loaded(std::string_view how) {
  auto& cluster = *context->cluster;
  spdlog::info("cluster-loaded: {}, {} records", how, cluster.replicas.alive());
  cluster.loaded = true;
  cluster.rejoining = false;
  // Whoever is judged here gets a full term from now on.
  tell_shards({true, true});
}

caf::result<left_cluster> membership_state::on_leave(const leave_cluster&) {
  auto& cluster = *context->cluster;
  for (auto& x : cluster.peers.all())
    x->send(cluster.life, farewell{});
  return left_cluster{};
}

// -- status --------------------------------------------------------------------------------------

caf::result<actor_status> membership_state::on_status(const status_request& msg) {
  auto view = context->cluster->now();
  auto up = std::count_if(view->members().begin(), view->members().end(),
                          [](auto& x) { return x.state == member_state::up; });
  auto status = make_status(self, *this, context->cluster->self,
                            std::to_string(up) + " of " + std::to_string(addresses.size())
                              + " members up, "
                              + (context->cluster->serves() ? "loaded" : "loading"));
  if (!msg.detailed)
    return status;
  json_writer out;
  out.begin_object().key("members").begin_array();
  for (auto& x : view->members())
    out.begin_object()
      .field("address", x.address)
      .field("state", to_string(x.state))
      .field("dead", x.dead)
      .field("life", x.life)
      .end_object();
  out.end_array().field("ringNumber", view->ring_number()).end_object();
  status.details = out.take();
  return status;
}

membership_actor::behavior_type
membership(membership_actor::stateful_pointer<membership_state> self, node_context_ptr context,
           actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context));
  return {
    on<&membership_state::on_listed>(self),
    on<&membership_state::on_load_ended>(self),
    on<&membership_state::on_leave>(self),
    on<&membership_state::on_tick>(self),
    on<&membership_state::on_respawn>(self),
    on<&membership_state::on_status>(self),
  };
}

bool knows_peer(const node_context& context, const std::string& address) {
  return context.cluster && context.cluster->peers.find(address) != nullptr;
}

bool receive_frame(const node_context& context, const std::string& from, std::string frame) {
  auto peer = context.cluster ? context.cluster->peers.find(from) : nullptr;
  if (!peer)
    return false;
  caf::anon_send(peer->actor.get(), peer_frame{std::move(frame)});
  return true;
}

} // namespace nacre
