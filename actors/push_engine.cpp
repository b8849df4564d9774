#include "actors/push_engine.hpp"

#include <spdlog/spdlog.h>

#include "protocol/push_packet.hpp"

namespace nacre {

namespace {

/// Services with a push pending; beyond this a change is told with the next one.
constexpr std::size_t tasks_max = 1'000'000;

/// While pushing is switched off, pending tasks are looked at again after this time.
constexpr std::int64_t paused_check_ms = 500;

} // namespace

void push_engine_state::start(node_context_ptr ctx, bool recover) {
  context = std::move(ctx);
  tasks.emplace(context->options.push.merge_window.count(), tasks_max);
  // In its place before it looks: a change that comes later is told to it and not to its
  // predecessor.
  context->push_engine.set(caf::actor_cast<push_engine_actor>(self));
  if (recover)
    on_tell_all({});
}

void push_engine_state::on_tell_all(const tell_all&) {
  auto now = steady_ms(self);
  context->directory.for_each(
    [&](const service_ref& key, const service_actor&, const service_view_ptr& view) {
      if (view && !view->subscribers.empty())
        tasks->submit(key, {true, {}, now}, now);
    });
  run();
}

void push_engine_state::on_changed(const service_changed& msg) {
  auto now = steady_ms(self);
  if (!tasks->submit(msg.service, {true, {}, now}, now))
    spdlog::warn("push-refused {}: too many pending pushes", msg.service->grouped_name());
  run();
}

void push_engine_state::on_subscribed(const service_subscribed& msg) {
  // One subscriber's first push is no change of the service: it opens no merge window.
  auto& service = msg.who->held_by->service;
  auto now = steady_ms(self);
  push_task task{false, {msg.who->held_by->client}, now};
  auto view = context->directory.find(service->view());
  if (!view || hold_back(*view, task, now))
    return;
  packets.clear();
  push_to(*view, msg.who, task);
}

bool push_engine_state::hold_back(const service_view& view, const push_task& task,
                                  std::int64_t now_ms) {
  if (view.instances != 0 || !context->warming_up(now_ms))
    return false;
  auto left_ms = context->started_ms + context->options.push.warm_up.count() - now_ms;
  tasks->submit_later(view.key, task, now_ms, left_ms);
  run();
  return true;
}

void push_engine_state::on_tick(const push_tick& msg) {
  if (msg.generation != generation)
    return; // an earlier arming
  armed_for_ms = 0;
  run();
}

void push_engine_state::run() {
  auto now = steady_ms(self);
  bool enabled = context->store.switches()->push_enabled;
  if (enabled)
    for (auto& [service, task] : tasks->take_due(now))
      push(service, task);
  auto next = tasks->next_due_ms();
  if (!next)
    return;
  auto due = enabled ? std::max(*next, now) : now + paused_check_ms;
  if (armed_for_ms != 0 && armed_for_ms <= due)
    return;
  armed_for_ms = due;
  self->delayed_send(self, std::chrono::milliseconds(due - now), push_tick{++generation});
}

void push_engine_state::push(const service_ref& service, const push_task& task) {
  auto view = context->directory.find(service->view());
  if (!view || hold_back(*view, task, steady_ms(self)))
    return;
  packets.clear();
  if (task.to_all)
    view->subscribers.for_each([&](const subscriber_ptr& who) { push_to(*view, who, task); });
  else
    for (auto& target : task.targets)
      if (auto who = view->subscribers.find(target))
        push_to(*view, *who, task);
  packets.clear();
}

void push_engine_state::push_to(const service_view& view, const subscriber_ptr& who,
                                const push_task& task) {
  auto& client = who->held_by->client;
  if (client.kind == client_kind::connection) {
    if (auto x = context->connections.find(client.ip))
      self->send(x->actor.get(), view_push{service_view_ptr(&view), task.since_ms});
    return;
  }
  for (auto& clusters : who->clusters) {
    auto message = packet(view, clusters);
    message.who = who;
    message.changed_at_ms = task.since_ms;
    self->send(context->udp_push.get(), std::move(message));
  }
}

const udp_push_task& push_engine_state::packet(const service_view& view,
                                               const std::string& clusters) {
  auto [i, is_new] = packets.try_emplace(clusters);
  if (is_new) {
    auto cache_millis = context->store.switches()->default_push_cache_millis;
    auto list = view.rendered({clusters, false, true}, cache_millis);
    i->second.clusters = clusters;
    i->second.list_ref_time_ms = view.ref_time_ms;
    i->second.packet_ref_time = next_packet_ref_time();
    i->second.empty = list->hosts_count == 0;
    i->second.packet = std::make_shared<const std::string>(make_push_packet(
      render_push(view.key->view(), clusters, *list, cache_millis, view.ref_time_ms),
      i->second.packet_ref_time));
  }
  return i->second;
}

/// Nanoseconds as the reference has them, and no number twice, also after a restart of this actor:
/// acks are told apart by it.
std::int64_t push_engine_state::next_packet_ref_time() {
  auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
               self->clock().now().time_since_epoch())
               .count();
  auto& last = context->counters.last_packet_ref_time;
  return last = std::max<std::int64_t>(last + 1, now);
}

caf::result<actor_status> push_engine_state::on_status(const status_request& msg) {
  auto summary = std::to_string(tasks->pending()) + " services with a push pending";
  auto status = make_status(self, *this, "", std::move(summary));
  if (msg.detailed)
    status.details = "{\"pendingTasks\":" + std::to_string(tasks->pending()) + "}";
  return status;
}

push_engine_actor::behavior_type
push_engine(push_engine_actor::stateful_pointer<push_engine_state> self, node_context_ptr context,
            bool recover, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), recover);
  return {
    on<&push_engine_state::on_changed>(self),
    on<&push_engine_state::on_subscribed>(self),
    on<&push_engine_state::on_tell_all>(self),
    on<&push_engine_state::on_tick>(self),
    on<&push_engine_state::on_status>(self),
  };
}

} // namespace nacre
