#include "actors/distro/distro_sync.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/distro/replication.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// Of one batch: records, and their bytes but for the last one.
constexpr std::size_t batch_max = 500;
constexpr std::size_t batch_bytes_max = 1024 * 1024;

/// First wait before a batch that was not acknowledged is sent again, doubling.
constexpr milliseconds retry_min{200};
constexpr milliseconds retry_max{5'000};

} // namespace

void distro_sync_state::start(node_context_ptr ctx, cluster_peer_ptr other) {
  context = std::move(ctx);
  peer = std::move(other);
  auto& opts = context->options.cluster;
  tasks.emplace(opts.sync_window, opts.sync_tasks_max);
  // What a failed one had pending is found by verify.
  peer->counters.pending = 0;
}

void distro_sync_state::on_changed(const client_changed& msg) {
  if (!peer->open())
    return;
  auto now = context->clock.steady();
  // A full queue loses nothing: verify finds what was not sent.
  for (auto& lease : *msg.leases)
    tasks->submit(lease, {}, now);
  if (under_way)
    count(now); // what comes of the batch sends the rest
  else
    send_due(now);
}

void distro_sync_state::on_verify_failed(const client_verify_failed& msg) {
  if (!peer->open())
    return;
  auto now = context->clock.steady();
  for (auto& key : msg.keys) {
    auto client = client_of(key);
    if (!client)
      continue;
    service_key_view service{key.namespace_id, key.group, key.service};
    for (auto kind : {client->kind, client_kind::connection}) {
      client->kind = kind;
      if (auto x = context->cluster->replicas.find(*client, service)) {
        tasks->submit_later(x->lease, {}, now, 0ms);
        break;
      }
    }
  }
  send_due(now);
}

void distro_sync_state::send_due(steady_time now) {
  if (!under_way && peer->open())
    send_batch(now);
  count(now);
  arm(now);
}

void distro_sync_state::send_batch(steady_time now) {
  auto& cluster = *context->cluster;
  auto view = cluster.now();
  record_batch message;
  task_list taken;
  for (std::size_t bytes = 0; taken.size() < batch_max && bytes < batch_bytes_max;) {
    auto due = tasks->take_due(now, 1);
    if (due.empty())
      break;
    auto& lease = due.front().first;
    if (auto x = cluster.replicas.find(lease->client, lease->service->view())) {
      message.records.push_back(record_of(*view, *x, now));
      bytes += wire_bytes(message.records.back());
    }
    taken.push_back(std::move(due.front()));
  }
  if (taken.empty())
    return;
  message.number = ++last_number;
  peer->counters.records_sent += message.records.size();
  under_way = batch{last_number, now, std::move(taken)};
  peer->send(view->incarnation(), std::move(message));
}

void distro_sync_state::on_ack(const batch_ack& msg) {
  if (!under_way || under_way->number != msg.number)
    return;
  under_way.reset();
  failures = 0;
  send_due(context->clock.steady());
}

void distro_sync_state::on_link(const link_state& msg) {
  under_way.reset();
  failures = 0;
  if (!msg.open) {
    auto& opts = context->options.cluster;
    tasks.emplace(opts.sync_window, opts.sync_tasks_max);
  }
  send_due(context->clock.steady());
}

void distro_sync_state::give_up_batch(steady_time now) {
  auto delay = std::min(retry_max, retry_min * (1 << std::min(failures++, 10u)));
  spdlog::debug("sync-unacknowledged by {}: batch {}, again in {} ms", peer->address,
                under_way->number, delay.count());
  for (auto& [lease, task] : under_way->tasks)
    tasks->submit_later(lease, {}, now, delay);
  under_way.reset();
}

void distro_sync_state::on_ring(const ring& msg) {
  if (!timer.rings(msg))
    return;
  auto now = context->clock.steady();
  if (under_way && now - under_way->sent >= context->options.cluster.sync_timeout)
    give_up_batch(now);
  send_due(now);
}

void distro_sync_state::arm(steady_time now) {
  auto due = tasks->next_due();
  if (under_way)
    due = under_way->sent + context->options.cluster.sync_timeout;
  if (due)
    timer.set(self, std::max(*due, now + 1ms), now);
}

void distro_sync_state::count(steady_time now) {
  auto& counters = peer->counters;
  counters.pending = tasks->pending() + (under_way ? under_way->tasks.size() : 0);
  if (counters.pending == 0)
    counters.pending_since = never;
  else if (counters.pending_since.load() == never)
    counters.pending_since = now;
}

std::string distro_sync_state::summary() const {
  return std::to_string(peer->counters.pending) + " changes pending, "
         + std::to_string(peer->counters.records_sent) + " records sent";
}

void distro_sync_state::details(json_writer& out) const {
  out.field("pendingTasks", peer->counters.pending.load())
    .field("recordsSent", peer->counters.records_sent.load())
    .field("batchUnderWay", under_way.has_value());
}

distro_sync_actor::behavior_type
distro_sync(distro_sync_actor::stateful_pointer<distro_sync_state> self, node_context_ptr context,
            cluster_peer_ptr peer, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context), std::move(peer));
  return {
    on<&distro_sync_state::on_changed>(self), on<&distro_sync_state::on_verify_failed>(self),
    on<&distro_sync_state::on_ack>(self),     on<&distro_sync_state::on_link>(self),
    on<&distro_sync_state::on_ring>(self),    on_status(self),
  };
}

} // namespace nacre
