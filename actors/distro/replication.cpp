#include "actors/distro/replication.hpp"

#include "protocol/text.hpp"

namespace nacre {

namespace {

record_state state_of(const publication& x) {
  // A connection lives or is gone; what its instances say of their health is content.
  bool judged = x.lease->client.kind == client_kind::ephemeral;
  return judged && !x.healthy() ? record_state::unhealthy : record_state::healthy;
}

} // namespace

replicator::replicator(caf::local_actor* self, node_context& node) : self_(self), node_(node) {}

bool replicator::replicates(const client_id& client) const {
  return node_.cluster != nullptr && client.kind != client_kind::persistent;
}

void replicator::changed(const publication_ptr& x) {
  auto& lease = x->lease;
  if (!replicates(lease->client))
    return;
  node_.cluster->replicas.put_next({lease, 0, state_of(*x), x}, [&](std::int64_t version) {
    return node_.clock.common.next(node_.clock.steady(), version);
  });
  announce(lease);
}

void replicator::health_changed(const publication_ptr& x) {
  auto& lease = x->lease;
  if (!replicates(lease->client))
    return;
  auto known = node_.cluster->replicas.find(lease->client, lease->service->view());
  if (!known)
    return changed(x);
  known->state = state_of(*x);
  known->what = x;
  node_.cluster->replicas.put(std::move(*known));
  announce(lease);
}

void replicator::ended(const lease_ptr& lease, record_state gone) {
  if (!replicates(lease->client))
    return;
  auto& replicas = node_.cluster->replicas;
  auto now = node_.clock.steady();
  auto known = replicas.find(lease->client, lease->service->view());
  auto version = known ? known->version : 0;
  if (gone == record_state::removed || !known)
    version = node_.clock.common.next(now, version);
  replicas.put({lease, version, gone, nullptr, known ? known->owner : nullptr, now});
  announce(lease);
}

void replicator::announce(const lease_ptr& lease) {
  wake();
  changes_.push_back(lease);
}

void replicator::announce_to(const std::string& peer, const lease_ptr& lease) {
  wake();
  for_one_[peer].push_back(lease);
}

/// Behind what waits in the mailbox already: that is the same turn.
void replicator::wake() {
  if (changes_.empty() && for_one_.empty())
    caf::anon_send(caf::actor_cast<caf::actor>(self_), announce_changes{});
}

void replicator::flush() {
  auto share = [](std::vector<lease_ptr>& leases) {
    return client_changed{
      std::make_shared<const std::vector<lease_ptr>>(std::exchange(leases, {}))};
  };
  if (!changes_.empty()) {
    auto message = share(changes_);
    // Without a link nothing is kept: verify finds what differs.
    for (auto& peer : node_.cluster->peers.all())
      if (peer->open())
        caf::anon_send(peer->sync.get(), message);
  }
  for (auto& [address, leases] : std::exchange(for_one_, {}))
    if (auto peer = node_.cluster->peers.find(address); peer && peer->open())
      caf::anon_send(peer->sync.get(), share(leases));
}

void dispatch_records(const node_context& context, const std::string& from,
                      std::vector<instance_record> records, const ticket_ptr& done) {
  std::vector<sync_records> of_shard(context.actors.shards.size());
  for (auto& x : records)
    if (auto client = client_of(x.what.key))
      of_shard[context.shard_of(*client)].records.push_back(std::move(x));
  for (std::size_t i = 0; i < of_shard.size(); ++i) {
    if (of_shard[i].records.empty())
      continue;
    of_shard[i].from = from;
    of_shard[i].done = done;
    caf::anon_send(context.actors.shards[i].get(), std::move(of_shard[i]));
  }
}

record_key key_of(const replica& x) {
  auto& client = x.lease->client;
  auto& service = *x.lease->service;
  bool connection = is_connection(client.kind);
  return {connection ? client.ip.str() : client.address(), connection, service.namespace_id,
          service.group, service.name};
}

instance_record record_of(const cluster_view& cluster, const replica& x, steady_time now) {
  instance_record record;
  record.what = {key_of(x), x.version, x.state};
  if (x.owner) {
    record.owner = x.owner->node;
    record.owner_incarnation = x.owner->incarnation;
  } else if (record.what.key.connection) {
    record.owner = cluster.self();
    record.owner_incarnation = cluster.incarnation();
  } else {
    record.idle_ms = to_ms(idle_of(*x.lease, now));
  }
  if (x.what)
    record.instances.assign(x.what->instances.begin(), x.what->instances.end());
  return record;
}

std::size_t wire_bytes(const instance_record& x) {
  auto& key = x.what.key;
  // Numbers and truths, and the length in front of each text and of the list.
  std::size_t bytes = 50 + key.client.size() + key.namespace_id.size() + key.group.size()
                      + key.service.size() + x.owner.size();
  for (auto& one : x.instances)
    bytes += wire_bytes(one);
  return bytes;
}

std::optional<client_id> client_of(const record_key& key) {
  if (key.connection)
    return client_id{key.client, 0, client_kind::remote_connection};
  auto address = split_host_port(key.client);
  if (!address)
    return std::nullopt;
  return client_id{std::string(address->host), address->port, client_kind::ephemeral};
}

milliseconds idle_of(const lease& x, steady_time now) {
  return std::max(milliseconds(0), now - x.renewed.load());
}

} // namespace nacre
