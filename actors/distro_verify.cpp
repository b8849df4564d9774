#include "actors/distro_verify.hpp"

#include <map>

#include "actors/replication.hpp"

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
  if (!peer->open || !cluster.loaded)
    return;
  if (peer->send(cluster.life, bucket_digests{cluster.replicas.digests()}))
    ++peer->counters.verifies;
}

void distro_verify_state::note_result(std::size_t differing) {
  auto& counters = peer->counters;
  auto now = steady_ms(self);
  counters.verified_ms = now;
  counters.differing = differing;
  if (differing == 0)
    counters.differing_since_ms = 0;
  else if (counters.differing_since_ms == 0)
    counters.differing_since_ms = now;
}

void distro_verify_state::on_digests(const bucket_digests& msg) {
  auto& cluster = *context->cluster;
  if (!cluster.loaded || msg.digests.size() != replica_table::buckets_count)
    return;
  auto mine = cluster.replicas.digests();
  std::size_t differing = 0;
  bucket_listing listing;
  for (std::uint32_t i = 0; i < mine.size(); ++i) {
    if (mine[i] == msg.digests[i])
      continue;
    ++differing;
    listing.buckets.push_back(i);
    for (auto& x : cluster.replicas.bucket(i))
      listing.records.push_back({key_of(x), x.version, x.state});
    if (listing.records.size() >= listing_max)
      peer->send(cluster.life, std::exchange(listing, {}));
  }
  if (!listing.buckets.empty())
    peer->send(cluster.life, std::move(listing));
  note_result(differing);
}

void distro_verify_state::on_listing(const bucket_listing& msg) {
  auto& cluster = *context->cluster;
  std::map<record_key, replica> mine;
  for (auto i : msg.buckets)
    if (i < replica_table::buckets_count)
      for (auto& x : cluster.replicas.bucket(i))
        mine.emplace(key_of(x), x);
  record_request wanted;
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
    // Judged differently, both sides hear the other's reasons.
    if (theirs.version >= x.version)
      wanted.keys.push_back(theirs.key);
    if (x.version >= theirs.version)
      peer->tell(x.held_by);
  }
  for (auto& [key, x] : mine)
    if (is_alive(x.state))
      peer->tell(x.held_by); // the peer never heard of it
  if (!wanted.keys.empty())
    peer->send(cluster.life, std::move(wanted));
}

caf::result<actor_status> distro_verify_state::on_status(const status_request& msg) {
  auto& counters = peer->counters;
  auto status = make_status(self, *this, peer->address,
                            std::to_string(counters.differing) + " buckets differed at last");
  if (msg.detailed)
    status.details
      = "{\"rounds\":" + std::to_string(counters.verifies)
        + ",\"differingBuckets\":" + std::to_string(counters.differing) + ",\"lastVerifyAgoMs\":"
        + std::to_string(counters.verified_ms == 0 ? -1
                                                   : steady_ms(self) - counters.verified_ms)
        + "}";
  return status;
}

distro_verify_actor::behavior_type
distro_verify(distro_verify_actor::stateful_pointer<distro_verify_state> self,
              node_context_ptr context, cluster_peer_ptr peer, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), std::move(peer));
  return {
    on<&distro_verify_state::on_digests>(self),
    on<&distro_verify_state::on_listing>(self),
    on<&distro_verify_state::on_link>(self),
    on<&distro_verify_state::on_tick>(self),
    on<&distro_verify_state::on_status>(self),
  };
}

} // namespace nacre
