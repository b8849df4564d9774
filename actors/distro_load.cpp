#include "actors/distro_load.hpp"

#include <spdlog/spdlog.h>

#include "actors/replication.hpp"

namespace nacre {

namespace {

/// What a record takes on the wire, about: parts are cut by it.
std::size_t size_of(const instance_record& x) {
  std::size_t bytes = 64 + x.what.key.client.size() + x.what.key.service.size();
  for (auto& one : x.instances) {
    bytes += 64 + one.ip.size();
    for (auto& [key, value] : one.metadata)
      bytes += 8 + key.size() + value.size();
  }
  return bytes;
}

/// Tells the loader when all who got a part of the chunk have let go of it.
class chunk_ticket final : public ticket {
public:
  chunk_ticket(distro_load_actor loader, std::uint32_t next_bucket)
    : loader_(std::move(loader)), next_bucket_(next_bucket) {}

  ~chunk_ticket() override { caf::anon_send(loader_, chunk_taken{next_bucket_}); }

private:
  void deliver(outcome) override {}

  distro_load_actor loader_;
  std::uint32_t next_bucket_;
};

} // namespace

void distro_load_state::start(node_context_ptr ctx, cluster_peer_ptr other) {
  context = std::move(ctx);
  peer = std::move(other);
}

// -- taking --------------------------------------------------------------------------------------

void distro_load_state::on_begin(const begin_load&) {
  loading = true;
  began_ms = steady_ms(self);
  records = 0;
  ask();
}

void distro_load_state::ask() {
  auto& cluster = *context->cluster;
  parts.clear();
  peer->send(cluster.life, snapshot_request{cluster.load_position});
  self->delayed_send(self, context->options.cluster.load_timeout, load_tick{++generation});
}

void distro_load_state::on_chunk(snapshot_chunk& msg) {
  auto& cluster = *context->cluster;
  if (!loading || msg.from_bucket != cluster.load_position || msg.next_bucket <= msg.from_bucket
      || msg.part >= msg.parts || !parts.insert(msg.part).second)
    return; // of an earlier request, or came twice
  bool last = parts.size() == msg.parts;
  ticket_ptr done;
  if (last)
    done = std::make_shared<chunk_ticket>(caf::actor_cast<distro_load_actor>(self),
                                          msg.next_bucket);
  records += msg.records.size();
  deal_records(*context, peer->address, std::move(msg.records), done);
}

void distro_load_state::on_taken(const chunk_taken& msg) {
  auto& cluster = *context->cluster;
  if (!loading || msg.next_bucket <= cluster.load_position)
    return;
  cluster.load_position = msg.next_bucket;
  if (msg.next_bucket >= replica_table::buckets_count)
    end(true);
  else
    ask();
}

void distro_load_state::on_tick(const load_tick& msg) {
  if (loading && msg.generation == generation)
    end(false);
}

void distro_load_state::end(bool complete) {
  loading = false;
  ++generation;
  spdlog::info("snapshot-{} of {}: {} records in {} ms", complete ? "loaded" : "broken-off",
               peer->address, records, steady_ms(self) - began_ms);
  self->send(context->cluster->membership.get(), load_ended{peer->address, complete});
}

// -- giving --------------------------------------------------------------------------------------

void distro_load_state::on_request(const snapshot_request& msg) {
  auto& cluster = *context->cluster;
  if (!cluster.loaded || msg.from_bucket >= replica_table::buckets_count)
    return;
  auto now = steady_ms(self);
  auto bytes_max = context->options.cluster.chunk_bytes_max;
  std::vector<snapshot_chunk> chunks(1);
  std::size_t bytes = 0;
  auto bucket = msg.from_bucket;
  // Whole buckets until the chunk is full; one bucket that is larger goes in several parts.
  for (; bucket < replica_table::buckets_count && bytes < bytes_max && chunks.size() == 1;
       ++bucket) {
    for (auto& x : cluster.replicas.bucket(bucket)) {
      if (bytes >= bytes_max) {
        chunks.emplace_back();
        bytes = 0;
      }
      auto& record = chunks.back().records.emplace_back(record_of(cluster, x, now));
      bytes += size_of(record);
    }
  }
  for (std::uint32_t i = 0; i < chunks.size(); ++i) {
    auto& x = chunks[i];
    x.from_bucket = msg.from_bucket;
    x.next_bucket = bucket;
    x.part = i;
    x.parts = static_cast<std::uint32_t>(chunks.size());
    peer->send(cluster.life, std::move(x));
  }
}

caf::result<actor_status> distro_load_state::on_status(const status_request& msg) {
  auto status = make_status(self, *this, peer->address,
                            loading ? "loading, " + std::to_string(records) + " records so far"
                                    : "idle");
  if (msg.detailed)
    status.details = "{\"loading\":" + std::string(loading ? "true" : "false")
                     + ",\"position\":" + std::to_string(context->cluster->load_position.load())
                     + ",\"records\":" + std::to_string(records) + "}";
  return status;
}

distro_load_actor::behavior_type
distro_load(distro_load_actor::stateful_pointer<distro_load_state> self, node_context_ptr context,
            cluster_peer_ptr peer, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), std::move(peer));
  return {
    on<&distro_load_state::on_begin>(self),
    on<&distro_load_state::on_request>(self),
    on<&distro_load_state::on_chunk>(self),
    on<&distro_load_state::on_taken>(self),
    on<&distro_load_state::on_tick>(self),
    on<&distro_load_state::on_status>(self),
  };
}

} // namespace nacre
