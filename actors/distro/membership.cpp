#include "actors/distro/membership.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/distro/distro_peer.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

constexpr auto tick_interval = 200ms;

/// When ticks were this far apart this node itself had stood still, and heard nobody because of it.
constexpr milliseconds standstill{2'000};

/// After a standstill of this length connections have ended whose clients are elsewhere by now.
constexpr milliseconds rejoin_after{5'000};

/// A peer whose link to this node works was heard within this time.
constexpr milliseconds heard_lately{1'500};

/// Tombstones that are forgotten in one tick, about 10 ms.
constexpr std::size_t swept_at_once = 20'000;

/// Whether the same connections are lost.
bool same_losses(const member& a, const member& b) {
  return a.address == b.address && a.incarnation == b.incarnation && a.lost == b.lost
         && a.lost_up_to == b.lost_up_to;
}

void log_changes(const cluster_view& before, const cluster_view& now) {
  for (auto& x : now.members())
    if (auto was = before.find(x.address); was && was->state != x.state)
      spdlog::info("member-{} {}{}", to_string(x.state), x.address, x.dead ? " (dead)" : "");
  if (now.has_quorum_contact() != before.has_quorum_contact())
    spdlog::info(now.has_quorum_contact() ? "quorum-heard"
                                          : "quorum-silent: nobody's silence counts here");
}

} // namespace

void membership_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  self->set_exit_handler([this](const caf::exit_msg& msg) { on_exit(msg); });
  auto& cluster = *context->cluster;
  waiting_since = last_tick = context->clock.steady();
  table.emplace(context->options.cluster, cluster.now(), last_tick);
  // The peers of a failed predecessor live on.
  for (auto& peer : cluster.peers.all())
    if (auto actor = peer->actor.get())
      children.watch<distro_peer_state>(peer->address, actor);
  members_listed listed;
  auto view = cluster.now();
  for (auto& x : view->members())
    listed.addresses.push_back(x.address);
  on_listed(listed);
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

// -- members and their actors --------------------------------------------------------------------

void membership_state::on_listed(const members_listed& msg) {
  auto& cluster = *context->cluster;
  auto& addresses = msg.addresses;
  if (!table->list(addresses, context->clock.steady())) {
    spdlog::error("members-refused: the list does not name this node, {}", cluster.self);
    return;
  }
  auto place = std::find(addresses.begin(), addresses.end(), cluster.self) - addresses.begin();
  context->clock.common.set_number(static_cast<std::size_t>(place));
  if (context->options.snowflake_worker < 0)
    context->tables.instance_ids.set_worker(snowflake_worker(cluster.self, addresses));
  for (auto& peer : cluster.peers.all())
    if (std::find(addresses.begin(), addresses.end(), peer->address) == addresses.end())
      remove_peer(peer);
  for (auto& address : addresses)
    if (address != cluster.self && !cluster.peers.find(address))
      add_peer(address);
  review();
}

void membership_state::add_peer(const std::string& address) {
  auto peer = std::make_shared<cluster_peer>(address);
  spdlog::info("member-added {}", address);
  spawn_peer(peer);
  // Not before its actor is there: frames may come at once.
  context->cluster->peers.add(peer);
}

void membership_state::remove_peer(const cluster_peer_ptr& peer) {
  spdlog::info("member-removed {}", peer->address);
  context->cluster->peers.remove(peer->address);
  auto actor = peer->actor.get();
  children.forget(peer->address);
  self->send_exit(actor, caf::exit_reason::user_shutdown);
}

void membership_state::spawn_peer(const cluster_peer_ptr& peer) {
  auto actor = self->system().spawn(distro_peer, context, peer, children.next_birth(peer->address));
  peer->actor.set(actor);
  children.watch<distro_peer_state>(peer->address, actor);
}

void membership_state::on_down(const caf::down_msg& msg) {
  respawn_failed(*this, self, msg, context->clock.steady(),
                 [](const std::string& address) { return respawn_peer{address}; });
}

void membership_state::on_respawn(const respawn_peer& msg) {
  auto peer = context->cluster->peers.find(msg.address);
  if (!peer)
    return;
  spawn_peer(peer);
  if (loading_from == msg.address)
    loading_from.clear();
}

void membership_state::on_exit(const caf::exit_msg& msg) {
  for (auto& peer : context->cluster->peers.all())
    self->send_exit(peer->actor.get(), caf::exit_reason::user_shutdown);
  self->quit(msg.reason);
}

// -- what is heard of peers ----------------------------------------------------------------------

void membership_state::on_heard(const peer_heard& msg) {
  table->apply(msg);
  review();
}

void membership_state::on_left(const peer_left& msg) {
  table->apply(msg);
  review();
}

void membership_state::on_link(const link_changed& msg) {
  table->apply(msg, context->clock.steady());
  review();
}

void membership_state::on_outbid(const outbid_incarnation& msg) {
  table->apply(msg);
  review();
}

void membership_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
  auto& cluster = *context->cluster;
  auto now = context->clock.steady();
  auto stood_still = now - last_tick;
  if (stood_still > standstill) {
    spdlog::warn("node-stood-still: no tick for {} ms, members get a fresh term",
                 stood_still.count());
    table->forgive_silence(now);
    if (stood_still > rejoin_after)
      rejoin();
  }
  last_tick = now;
  review();
  auto& own = table->own;
  if (own.loaded && own.rejoining && !cluster.now()->has_quorum_contact())
    rejoin(); // from those who are heard again first
  else
    load_if_needed();
  cluster.replicas.sweep(now - context->options.cluster.tombstone_term, swept_at_once);
}

void membership_state::review() {
  auto& cluster = *context->cluster;
  auto before = cluster.now();
  auto next = table->view(context->clock.steady());
  if (next == before)
    return;
  log_changes(*before, *next);
  cluster.view.set(next);
  auto& old = before->members();
  auto& members = next->members();
  bool losses = !std::equal(old.begin(), old.end(), members.begin(), members.end(), same_losses);
  tell_others({next->ring_number() != before->ring_number(), losses});
}

void membership_state::tell_others(const cluster_changed& what) {
  if (!what.ring && !what.losses)
    return;
  for (auto& shard : context->actors.shards)
    if (auto actor = shard.get())
      self->send(actor, what);
  if (auto actor = context->actors.health.get())
    self->send(actor, what);
}

// -- loading -------------------------------------------------------------------------------------

void membership_state::on_isolated(const node_isolated&) {
  auto& own = table->own;
  if (own.rejoining || context->cluster->now()->has_quorum_contact())
    return;
  spdlog::warn("node-isolated: nothing is heard of clients or nodes, their connections end");
  own.rejoining = true;
  review();
}

void membership_state::rejoin() {
  if (context->cluster->peers.all().empty())
    return;
  table->own.rejoining = true;
  load_position = 0;
  loading_from.clear();
  waiting_since = context->clock.steady();
  review();
}

void membership_state::load_if_needed() {
  auto& cluster = *context->cluster;
  auto view = cluster.now();
  if (view->serves() || !loading_from.empty())
    return;
  auto now = context->clock.steady();
  for (auto& x : view->members()) {
    auto peer = cluster.peers.find(x.address);
    if (!peer || !x.link_open || !x.loaded || x.left
        || now - x.last_heard.value_or(never) >= heard_lately)
      continue;
    loading_from = x.address;
    return self->send(peer->load.get(), begin_load{load_position});
  }
  if (now - waiting_since >= context->options.cluster.load_patience)
    become_loaded("no loaded peer answers, this node begins");
}

void membership_state::on_load_ended(const load_ended& msg) {
  if (msg.peer != loading_from)
    return;
  loading_from.clear();
  if (msg.next_bucket)
    load_position = *msg.next_bucket;
  if (msg.complete)
    become_loaded("from " + msg.peer);
}

void membership_state::become_loaded(std::string_view how) {
  spdlog::info("cluster-loaded: {}, {} records", how, context->cluster->replicas.alive());
  table->own.loaded = true;
  table->own.rejoining = false;
  review();
  // Clients that this node is responsible for get a full term from now on.
  tell_others({true, true});
}

caf::result<left_cluster> membership_state::on_leave(const leave_cluster&) {
  table->own.leaving = true;
  review();
  auto& cluster = *context->cluster;
  for (auto& peer : cluster.peers.all())
    cluster.send(*peer, farewell{});
  return left_cluster{};
}

// -- status --------------------------------------------------------------------------------------

std::string membership_state::summary() const {
  auto view = context->cluster->now();
  auto& members = view->members();
  auto up = std::count_if(members.begin(), members.end(),
                          [](auto& x) { return x.state == member_state::up; });
  return std::to_string(up) + " of " + std::to_string(members.size()) + " members up, "
         + (view->serves() ? "loaded" : "loading");
}

void membership_state::details(json_writer& out) const {
  auto view = context->cluster->now();
  out.key("members").begin_array();
  for (auto& x : view->members())
    out.begin_object()
      .field("address", x.address)
      .field("state", to_string(x.state))
      .field("dead", x.dead)
      .field("incarnation", x.incarnation)
      .end_object();
  out.end_array().field("ringNumber", view->ring_number());
}

membership_actor::behavior_type
membership(membership_actor::stateful_pointer<membership_state> self, node_context_ptr context,
           birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&membership_state::on_listed>(self),
    on<&membership_state::on_heard>(self),
    on<&membership_state::on_left>(self),
    on<&membership_state::on_link>(self),
    on<&membership_state::on_outbid>(self),
    on<&membership_state::on_isolated>(self),
    on<&membership_state::on_load_ended>(self),
    on<&membership_state::on_leave>(self),
    on<&membership_state::on_tick>(self),
    on<&membership_state::on_respawn>(self),
    on_status(self),
  };
}

} // namespace nacre
