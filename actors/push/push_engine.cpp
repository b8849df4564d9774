#include "actors/push/push_engine.hpp"

#include <spdlog/spdlog.h>

#include "protocol/push_packet.hpp"

namespace nacre {

namespace {

/// Services with a push pending; beyond this a change is told with the next one.
constexpr std::size_t tasks_max = 1'000'000;

/// While pushing is switched off, pending tasks are looked at again after this time.
constexpr milliseconds paused_check{500};

/// The log says once in this time that the list of a service is too large.
constexpr milliseconds warned_interval{60'000};

} // namespace

void push_engine_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  tasks.emplace(context->options.push.merge_window, tasks_max);
  // Register first, then scan: a change that comes later is told to it and not to its predecessor.
  context->actors.push_engine.set(caf::actor_cast<push_engine_actor>(self));
  if (is_restart(birth))
    on_channel_restarted({});
}

void push_engine_state::on_channel_restarted(const push_channel_restarted&) {
  auto now = context->clock.steady();
  context->tables.directory.for_each(
    [&](const service_ref& key, const service_actor&, const service_view_ptr& view) {
      if (view && !view->subscribers.empty())
        tasks->submit(key, {true, {}, now}, now);
    });
  run();
}

void push_engine_state::on_changed(const service_changed& msg) {
  auto now = context->clock.steady();
  if (!tasks->submit(msg.service, {true, {}, now}, now))
    spdlog::warn("push-refused {}: too many pending pushes", msg.service->grouped_name());
  run();
}

void push_engine_state::on_subscribed(const service_subscribed& msg) {
  // One subscriber's first push is no change of the service: it opens no merge window.
  auto& service = msg.who->lease->service;
  auto now = context->clock.steady();
  push_delay_task task{false, {msg.who->lease->client}, now};
  auto view = context->tables.directory.find(service->view());
  if (!view || hold_back(*view, task, now))
    return;
  packets.clear();
  push_to(*view, msg.who, task);
}

bool push_engine_state::hold_back(const service_view& view, const push_delay_task& task,
                                  steady_time now) {
  if (view.instances != 0 || !context->warming_up(now))
    return false;
  tasks->submit_later(view.key, task, now, context->warm_from() - now);
  run();
  return true;
}

void push_engine_state::on_ring(const ring& msg) {
  if (timer.rings(msg))
    run();
}

void push_engine_state::run() {
  auto now = context->clock.steady();
  bool enabled = context->tables.store.switches()->push_enabled;
  if (enabled)
    for (auto& [service, task] : tasks->take_due(now))
      push(service, task);
  if (auto next = tasks->next_due())
    timer.set(self, enabled ? *next : now + paused_check, now);
}

void push_engine_state::push(const service_ref& service, const push_delay_task& task) {
  auto view = context->tables.directory.find(service->view());
  if (!view || hold_back(*view, task, context->clock.steady()))
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
                                const push_delay_task& task) {
  auto& client = who->lease->client;
  if (client.kind == client_kind::connection) {
    if (auto x = context->tables.connections.find(client.ip))
      self->send(x->actor.get(), view_push{service_view_ptr(&view), task.since});
    return;
  }
  for (auto& clusters : who->clusters) {
    auto message = packet(view, clusters);
    if (!message.packet) {
      ++context->counters.pushes_failed;
      continue;
    }
    message.who = who;
    message.changed_at = task.since;
    self->send(context->actors.udp_push.get(), std::move(message));
  }
}

const udp_push_task& push_engine_state::packet(const service_view& view,
                                               const std::string& clusters) {
  auto [i, is_new] = packets.try_emplace(clusters);
  if (is_new) {
    auto cache_millis = context->tables.store.switches()->default_push_cache_millis;
    auto list = view.rendered({clusters, false, true}, cache_millis);
    i->second.clusters = clusters;
    i->second.list_ref_time = view.ref_time;
    i->second.packet_ref_time = next_packet_ref_time();
    i->second.empty = list->array->count == 0;
    i->second.packet = make_datagram(view, *list, cache_millis, i->second);
    if (!i->second.packet)
      warn_too_large(view);
  }
  return i->second;
}

std::shared_ptr<const std::string> push_engine_state::make_datagram(const service_view& view,
                                                                    const rendered_list& list,
                                                                    std::int64_t cache_millis,
                                                                    const udp_push_task& task) {
  auto& clusters = task.clusters;
  if (list.hosts().size() > pushed_hosts_bytes_max
      || (too_large.lock() == list.array && clusters.size() >= too_large_clusters))
    return nullptr;
  auto json = render_push(view.key->view(), clusters, list, cache_millis, view.ref_time);
  if (auto packet = make_push_packet(json, task.packet_ref_time))
    return std::make_shared<const std::string>(std::move(*packet));
  too_large = list.array;
  too_large_clusters = clusters.size();
  return nullptr;
}

void push_engine_state::warn_too_large(const service_view& view) {
  auto now = context->clock.steady();
  std::erase_if(warned, [&](auto& x) { return now - x.second >= warned_interval; });
  if (warned.try_emplace(view.key, now).second)
    spdlog::warn("push-too-large {}: {} instances fit no datagram, subscribers have to poll",
                 view.key->grouped_name(), view.instances);
}

/// Nanoseconds as the reference has them, and no number twice, also after a restart of this actor:
/// acks are told apart by it.
std::int64_t push_engine_state::next_packet_ref_time() {
  auto now =
    std::chrono::duration_cast<std::chrono::nanoseconds>(self->clock().now().time_since_epoch())
      .count();
  auto& last = context->counters.last_packet_ref_time;
  return last = std::max<std::int64_t>(last + 1, now);
}

std::string push_engine_state::summary() const {
  return std::to_string(tasks->pending()) + " services with a push pending";
}

void push_engine_state::details(json_writer& out) const {
  out.field("pendingTasks", tasks->pending());
}

push_engine_actor::behavior_type
push_engine(push_engine_actor::stateful_pointer<push_engine_state> self, node_context_ptr context,
            birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&push_engine_state::on_changed>(self),
    on<&push_engine_state::on_subscribed>(self),
    on<&push_engine_state::on_channel_restarted>(self),
    on<&push_engine_state::on_ring>(self),
    on_status(self),
  };
}

} // namespace nacre
