#include "actors/distro/distro_load.hpp"

#include <spdlog/spdlog.h>

#include "actors/base/countdown.hpp"
#include "actors/distro/replication.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// A link that took no more is tried again after this time.
constexpr milliseconds full_link_wait{20};

} // namespace

void distro_load_state::start(node_context_ptr ctx, cluster_peer_ptr other) {
  context = std::move(ctx);
  peer = std::move(other);
}

// -- taking --------------------------------------------------------------------------------------

void distro_load_state::on_begin(const begin_load& msg) {
  loading = true;
  began = context->clock.steady();
  records = 0;
  position = msg.from_bucket;
  ask();
}

void distro_load_state::ask() {
  parts.clear();
  context->cluster->send(*peer, snapshot_request{position});
  patient_until = context->clock.steady() + context->options.cluster.load_timeout;
  arm();
}

void distro_load_state::on_chunk(snapshot_chunk& msg) {
  if (!loading || msg.from_bucket != position || msg.next_bucket <= msg.from_bucket
      || msg.part >= msg.parts || !parts.insert(msg.part).second)
    return; // of an earlier request, or came twice
  patient_until = context->clock.steady() + context->options.cluster.load_timeout;
  ticket_ptr done;
  if (parts.size() == msg.parts)
    done = std::make_shared<countdown>(
      [loader = caf::actor_cast<distro_load_actor>(self), next = msg.next_bucket] {
        caf::anon_send(loader, chunk_taken{next});
      });
  records += msg.records.size();
  dispatch_records(*context, peer->address, std::move(msg.records), done);
}

void distro_load_state::on_taken(const chunk_taken& msg) {
  if (!loading || msg.next_bucket <= position)
    return;
  position = msg.next_bucket;
  if (position >= replica_table::buckets_count)
    end(true);
  else
    ask();
}

void distro_load_state::on_link(const link_state& msg) {
  wanted_parts.clear();
  if (loading && !msg.open)
    end(false);
}

void distro_load_state::on_ring(const ring& msg) {
  if (!timer.rings(msg))
    return;
  if (loading && context->clock.steady() >= patient_until)
    end(false);
  send_parts();
  arm();
}

void distro_load_state::arm() {
  auto now = context->clock.steady();
  if (loading)
    timer.set(self, patient_until, now);
  if (!wanted_parts.empty())
    timer.set(self, now + full_link_wait, now);
}

void distro_load_state::end(bool complete) {
  loading = false;
  spdlog::info("snapshot-{} of {}: {} records in {} ms", complete ? "loaded" : "broken-off",
               peer->address, records, to_ms(context->clock.steady() - began));
  self->send(context->cluster->membership.get(), load_ended{peer->address, complete, position});
}

// -- giving --------------------------------------------------------------------------------------

void distro_load_state::on_request(const snapshot_request& msg) {
  auto& cluster = *context->cluster;
  auto view = cluster.now();
  if (!view->own().loaded || msg.from_bucket >= replica_table::buckets_count)
    return;
  auto now = context->clock.steady();
  auto bytes_max = context->options.cluster.chunk_bytes_max;
  auto& chunks = wanted_parts;
  chunks.assign(1, {});
  std::size_t bytes = 0;
  auto bucket = msg.from_bucket;
  // Whole buckets until the chunk is full; one bucket that is larger goes in several parts.
  for (; bucket < replica_table::buckets_count && bytes < bytes_max && chunks.size() == 1;
       ++bucket) {
    for (auto& x : cluster.replicas.bucket(bucket)) {
      auto record = record_of(*view, x, now);
      auto size = wire_bytes(record);
      if (bytes > 0 && bytes + size > bytes_max) {
        chunks.emplace_back();
        bytes = 0;
      }
      chunks.back().records.push_back(std::move(record));
      bytes += size;
    }
  }
  for (std::uint32_t i = 0; i < chunks.size(); ++i) {
    auto& x = chunks[i];
    x.from_bucket = msg.from_bucket;
    x.next_bucket = bucket;
    x.part = i;
    x.parts = static_cast<std::uint32_t>(chunks.size());
  }
  part_sent = now;
  send_parts();
  arm();
}

void distro_load_state::send_parts() {
  auto now = context->clock.steady();
  while (!wanted_parts.empty() && context->cluster->send(*peer, wanted_parts.front())) {
    wanted_parts.pop_front();
    part_sent = now;
  }
  if (!peer->open() || now - part_sent >= context->options.cluster.load_timeout)
    wanted_parts.clear(); // the peer will ask again
}

std::string distro_load_state::summary() const {
  return loading ? "loading, " + std::to_string(records) + " records so far" : "idle";
}

void distro_load_state::details(json_writer& out) const {
  out.field("loading", loading).field("position", position).field("records", records);
}

distro_load_actor::behavior_type
distro_load(distro_load_actor::stateful_pointer<distro_load_state> self, node_context_ptr context,
            cluster_peer_ptr peer, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context), std::move(peer));
  return {
    on<&distro_load_state::on_begin>(self),
    on<&distro_load_state::on_request>(self),
    on<&distro_load_state::on_chunk>(self),
    on<&distro_load_state::on_taken>(self),
    on<&distro_load_state::on_link>(self),
    on<&distro_load_state::on_ring>(self),
    on_status(self),
  };
}

} // namespace nacre
