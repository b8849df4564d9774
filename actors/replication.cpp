#include "actors/replication.hpp"

#include "protocol/text.hpp"

namespace nacre {

namespace {

record_state state_of(const publication& x) {
  // A connection lives or is gone; what its instances say of their health is content.
  bool judged = x.held_by->client.kind == client_kind::ephemeral;
  return judged && !x.healthy() ? record_state::unhealthy : record_state::healthy;
}

bool is_replicated(const node_context& context, const client_id& client) {
  return context.cluster != nullptr && client.kind != client_kind::persistent;
}

} // namespace

void replicate(node_context& context, const publication_ptr& x) {
  auto& held_by = x->held_by;
  if (!is_replicated(context, held_by->client))
    return;
  auto& cluster = *context.cluster;
  cluster.replicas.put_next({held_by, 0, state_of(*x), x}, [&](std::int64_t version) {
    return cluster.clock.next(context.steady_ms(), version);
  });
  tell_peers(context, held_by);
}

void replicate_health(node_context& context, const publication_ptr& x) {
  auto& held_by = x->held_by;
  if (!is_replicated(context, held_by->client))
    return;
  auto known = context.cluster->replicas.find(held_by->client, held_by->service->view());
  if (!known)
    return replicate(context, x);
  known->state = state_of(*x);
  known->what = x;
  context.cluster->replicas.put(std::move(*known));
  tell_peers(context, held_by);
}

void replicate_end(node_context& context, const lease_ptr& held_by, record_state gone,
                   std::int64_t now_ms) {
  if (!is_replicated(context, held_by->client))
    return;
  auto& cluster = *context.cluster;
  auto known = cluster.replicas.find(held_by->client, held_by->service->view());
  auto version = known ? known->version : 0;
  if (gone == record_state::removed || !known)
    version = cluster.clock.next(context.steady_ms(), version);
  cluster.replicas.put({held_by, version, gone, nullptr, known ? known->origin : nullptr, now_ms});
  tell_peers(context, held_by);
}

void tell_peers(const node_context& context, const lease_ptr& held_by) {
  context.cluster->peers.for_each([&](cluster_peer& x) { x.tell(held_by); });
}

void tell_peer(const node_context& context, const std::string& address, const lease_ptr& held_by) {
  if (auto peer = context.cluster->peers.find(address))
    peer->tell(held_by);
}

void deal_records(const node_context& context, const std::string& from,
                  std::vector<instance_record> records, const ticket_ptr& done) {
  std::vector<sync_records> of_shard(context.shards.size());
  for (auto& x : records)
    if (auto client = client_of(x.what.key))
      of_shard[context.shard_of(*client)].records.push_back(std::move(x));
  for (std::size_t i = 0; i < of_shard.size(); ++i) {
    if (of_shard[i].records.empty())
      continue;
    of_shard[i].from = from;
    of_shard[i].done = done;
    caf::anon_send(context.shards[i].get(), std::move(of_shard[i]));
  }
}

record_key key_of(const replica& x) {
  auto& client = x.held_by->client;
  auto& service = *x.held_by->service;
  bool connection = is_connection(client.kind);
  return {connection ? client.ip : client.address(), connection, service.namespace_id,
          service.group, service.name};
}

instance_record record_of(const cluster_context& cluster, const replica& x, std::int64_t now_ms) {
  instance_record record;
  record.what = {key_of(x), x.version, x.state};
  if (x.origin) {
    record.origin = x.origin->node;
    record.origin_life = x.origin->life;
  } else if (record.what.key.connection) {
    record.origin = cluster.self;
    record.origin_life = cluster.life;
  } else {
    record.idle_ms = idle_of(*x.held_by, now_ms);
  }
  if (x.what)
    record.instances.assign(x.what->instances.begin(), x.what->instances.end());
  return record;
}

std::optional<client_id> client_of(const record_key& key) {
  if (key.connection)
    return client_id{key.client, 0, client_kind::remote_connection};
  auto address = split_host_port(key.client);
  if (!address)
    return std::nullopt;
  return client_id{std::string(address->host), address->port, client_kind::ephemeral};
}

std::int64_t idle_of(const lease& x, std::int64_t now_ms) {
  return std::max<std::int64_t>(0, now_ms - x.renewed_ms.load());
}

} // namespace nacre
