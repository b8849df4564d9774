#include "actors/distro/distro_verify.hpp"

#include <map>

#include "actors/distro/replication.hpp"

namespace nacre {

namespace {

/// Records of one listing; more go into further ones.
constexpr std::size_t listing_max = 5'000;

} // namespace

void distro_verify_state::start(node_context_ptr ctx, cluster_peer_ptr other) {
  context = std::move(ctx);
  peer = std::move(other);
  self->delayed_send(self, context->options.cluster.verify_interval, caf::tick_atom_v);
}

void distro_verify_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, context->options.cluster.verify_interval, caf::tick_atom_v);
  send_digests();
}

void distro_verify_state::on_link(const link_state& msg) {
  if (msg.open)
    send_digests();
}

void distro_verify_state::send_digests() {
  auto& cluster = *context->cluster;
  if (!peer->open() || !cluster.now()->own().loaded)
    return;
  if (cluster.send(*peer, verify_request{cluster.replicas.digests()}))
    ++peer->counters.verifies;
}

void distro_verify_state::note_result(std::size_t differing) {
  auto& counters = peer->counters;
  auto now = context->clock.steady();
  counters.verified = now;
  counters.differing = differing;
  if (differing == 0)
    counters.differing_since = never;
  else if (counters.differing_since.load() == never)
    counters.differing_since = now;
}

void distro_verify_state::on_verify_request(const verify_request& msg) {
  auto& cluster = *context->cluster;
  if (!cluster.now()->own().loaded || msg.digests.size() != replica_table::buckets_count)
    return;
  auto mine = cluster.replicas.digests();
  std::size_t differing = 0;
  verify_listing listing;
  for (std::uint32_t i = 0; i < mine.size(); ++i) {
    if (mine[i] == msg.digests[i])
      continue;
    ++differing;
    listing.buckets.push_back(i);
    for (auto& x : cluster.replicas.bucket(i))
      listing.records.push_back({key_of(x), x.version, x.state});
    if (listing.records.size() >= listing_max)
      cluster.send(*peer, std::exchange(listing, {}));
  }
  if (!listing.buckets.empty())
    cluster.send(*peer, std::move(listing));
  note_result(differing);
}

void distro_verify_state::on_listing(const verify_listing& msg) {
  auto& cluster = *context->cluster;
  std::map<record_key, replica> mine;
  for (auto i : msg.buckets)
    if (i < replica_table::buckets_count)
      for (auto& x : cluster.replicas.bucket(i))
        mine.emplace(key_of(x), x);
  client_verify_failed wanted;
  auto lacking = std::make_shared<std::vector<lease_ptr>>();
  for (auto& theirs : msg.records) {
    auto i = mine.find(theirs.key);
    if (i == mine.end()) {
      if (is_alive(theirs.state))
        wanted.keys.push_back(theirs.key);
      continue;
    }
    auto x = std::move(i->second);
    mine.erase(i);
    bool differs = x.version != theirs.version || x.state != theirs.state;
    if (!differs || (!is_alive(x.state) && !is_alive(theirs.state)))
      continue;
    // If only the verdicts differ, both sides hear the other's reasons.
    if (theirs.version >= x.version)
      wanted.keys.push_back(theirs.key);
    if (x.version >= theirs.version)
      lacking->push_back(x.lease);
  }
  for (auto& [key, x] : mine)
    if (is_alive(x.state))
      lacking->push_back(x.lease); // the peer never heard of it
  if (!lacking->empty())
    self->send(peer->sync.get(), client_changed{std::move(lacking)});
  if (!wanted.keys.empty())
    cluster.send(*peer, std::move(wanted));
}

std::string distro_verify_state::summary() const {
  return std::to_string(peer->counters.differing) + " buckets differed at last";
}

void distro_verify_state::details(json_writer& out) const {
  auto& counters = peer->counters;
  auto verified = counters.verified.load();
  out.field("rounds", counters.verifies.load())
    .field("differingBuckets", counters.differing.load())
    .field("lastVerifyAgoMs", verified == never ? -1 : to_ms(context->clock.steady() - verified));
}

distro_verify_actor::behavior_type
distro_verify(distro_verify_actor::stateful_pointer<distro_verify_state> self,
              node_context_ptr context, cluster_peer_ptr peer, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context), std::move(peer));
  return {
    on<&distro_verify_state::on_verify_request>(self),
    on<&distro_verify_state::on_listing>(self),
    on<&distro_verify_state::on_link>(self),
    on<&distro_verify_state::on_tick>(self),
    on_status(self),
  };
}

} // namespace nacre
