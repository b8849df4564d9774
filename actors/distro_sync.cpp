#include "actors/distro_sync.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/replication.hpp"

namespace nacre {

namespace {

/// Records in one batch.
constexpr std::size_t batch_max = 500;

/// First wait before a batch that was not acknowledged is sent again, doubling.
constexpr std::int64_t retry_min_ms = 200;
constexpr std::int64_t retry_max_ms = 5'000;

} // namespace

void distro_sync_state::start(node_context_ptr ctx, cluster_peer_ptr other) {
  context = std::move(ctx);
  peer = std::move(other);
  auto& opts = context->options.cluster;
  tasks.emplace(opts.sync_window.count(), opts.sync_tasks_max);
  // What a failed one had pending is found by verify.
  peer->counters.pending = 0;
}

void distro_sync_state::on_changes(const changes_wait&) {
  auto changes = peer->take_changes();
  if (!peer->open)
    return;
  auto now = steady_ms(self);
  // A full queue loses nothing: verify finds what was not sent.
  for (auto& held_by : changes)
    tasks->submit(held_by, {}, now);
  if (under_way)
    count(now); // what comes of the batch sends the rest
  else
    send_due(now);
}

void distro_sync_state::on_wanted(const record_request& msg) {
  if (!peer->open)
    return;
  auto now = steady_ms(self);
  for (auto& key : msg.keys) {
    auto client = client_of(key);
    if (!client)
      continue;
    service_key_view service{key.namespace_id, key.group, key.service};
    for (auto kind : {client->kind, client_kind::connection}) {
      client->kind = kind;
      if (auto x = context->cluster->replicas.find(*client, service)) {
        tasks->submit_later(x->held_by, {}, now, 0);
        break;
      }
    }
  }
  send_due(now);
}

void distro_sync_state::send_due(std::int64_t now_ms) {
  if (!under_way && peer->open)
    if (auto due = tasks->take_due(now_ms, batch_max); !due.empty())
      send_batch(std::move(due), now_ms);
  count(now_ms);
  arm(now_ms);
}

void distro_sync_state::send_batch(task_list due, std::int64_t now_ms) {
  record_batch message;
  message.number = ++last_number;
  for (auto& [held_by, task] : due)
    if (auto x = context->cluster->replicas.find(held_by->client, held_by->service->view()))
      message.records.push_back(record_of(*context->cluster, *x, now_ms));
  peer->counters.records_sent += message.records.size();
  under_way = batch{last_number, now_ms, std::move(due)};
  peer->send(context->cluster->life, std::move(message));
}

void distro_sync_state::on_ack(const batch_ack& msg) {
  if (!under_way || under_way->number != msg.number)
    return;
  under_way.reset();
  failures = 0;
  send_due(steady_ms(self));
}

void distro_sync_state::on_link(const link_state& msg) {
  under_way.reset();
  failures = 0;
  if (!msg.open) {
    auto& opts = context->options.cluster;
    tasks.emplace(opts.sync_window.count(), opts.sync_tasks_max);
  }
  send_due(steady_ms(self));
}

void distro_sync_state::give_up_batch(std::int64_t now_ms) {
  auto delay = std::min(retry_max_ms, retry_min_ms << std::min(failures++, 10u));
  spdlog::debug("sync-unacknowledged by {}: batch {}, again in {} ms", peer->address,
                under_way->number, delay);
  for (auto& [held_by, task] : under_way->tasks)
    tasks->submit_later(held_by, {}, now_ms, delay);
  under_way.reset();
}

void distro_sync_state::on_tick(const sync_tick& msg) {
  if (msg.generation != generation)
    return;
  armed_for_ms = 0;
  auto now = steady_ms(self);
  if (under_way && now - under_way->sent_ms >= context->options.cluster.sync_timeout.count())
    give_up_batch(now);
  send_due(now);
}

void distro_sync_state::arm(std::int64_t now_ms) {
  std::optional<std::int64_t> due = tasks->next_due_ms();
  if (under_way)
    due = under_way->sent_ms + context->options.cluster.sync_timeout.count();
  if (!due)
    return;
  auto at = std::max(*due, now_ms + 1);
  if (armed_for_ms != 0 && armed_for_ms <= at)
    return;
  armed_for_ms = at;
  self->delayed_send(self, std::chrono::milliseconds(at - now_ms), sync_tick{++generation});
}

void distro_sync_state::count(std::int64_t now_ms) {
  auto& counters = peer->counters;
  counters.pending = tasks->pending() + (under_way ? under_way->tasks.size() : 0);
  if (counters.pending == 0)
    counters.pending_since_ms = 0;
  else if (counters.pending_since_ms == 0)
    counters.pending_since_ms = now_ms;
}

caf::result<actor_status> distro_sync_state::on_status(const status_request& msg) {
  auto& counters = peer->counters;
  auto status = make_status(self, *this, peer->address,
                            std::to_string(counters.pending) + " changes pending, "
                              + std::to_string(counters.records_sent) + " records sent");
  if (msg.detailed)
    status.details = "{\"pendingTasks\":" + std::to_string(counters.pending)
                     + ",\"recordsSent\":" + std::to_string(counters.records_sent)
                     + ",\"batchUnderWay\":" + (under_way ? "true" : "false") + "}";
  return status;
}

distro_sync_actor::behavior_type
distro_sync(distro_sync_actor::stateful_pointer<distro_sync_state> self, node_context_ptr context,
            cluster_peer_ptr peer, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), std::move(peer));
  return {
    on<&distro_sync_state::on_changes>(self),
    on<&distro_sync_state::on_wanted>(self),
    on<&distro_sync_state::on_ack>(self),
    on<&distro_sync_state::on_link>(self),
    on<&distro_sync_state::on_tick>(self),
    on<&distro_sync_state::on_status>(self),
  };
}

} // namespace nacre
