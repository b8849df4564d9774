#include "actors/push/udp_push.hpp"

#include <iterator>

#include <spdlog/spdlog.h>

#include "protocol/push_packet.hpp"

namespace nacre {

namespace {
/// Missing acks are looked for this often.
constexpr milliseconds check_interval{200};
/// Pushes that wait for an address to prove itself, in all and how long.
constexpr std::size_t held_max = 10'000;
constexpr milliseconds held_term{60'000};
} // namespace

void udp_push_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  auto& push = context->options.push;
  table.emplace(push.udp_ack_timeout, push.udp_retransmits, push.udp_pending_max);
  context->actors.udp_push.set(caf::actor_cast<udp_push_actor>(self));
  if (is_restart(birth))
    self->send(context->actors.push_engine.get(), push_channel_restarted{});
}

void udp_push_state::send(const udp_push_task& task,
                          const std::shared_ptr<const std::string>& datagram) {
  auto& client = task.who->lease->client;
  if (context->datagrams)
    context->datagrams->send(client.ip.str(), client.port, datagram);
}

void udp_push_state::arm() {
  auto now = context->clock.steady();
  if (table->pending() > 0 || !held.empty())
    timer.set(self, now + check_interval, now);
}

void udp_push_state::on_push(const udp_push_task& msg) {
  auto now = context->clock.steady();
  if (context->tables.targets.admit(msg.who->lease->client.ip, msg.packet->size(), now))
    start_push(msg, now);
  else
    hold(msg, now);
  arm();
}

void udp_push_state::start_push(const udp_push_task& task, steady_time now) {
  if (!table->add(task, now))
    return;
  ++context->counters.pushes;
  if (task.empty)
    ++context->counters.pushes_empty;
  send(task, task.packet);
}

void udp_push_state::hold(const udp_push_task& task, steady_time now) {
  auto& client = task.who->lease->client;
  channel_key key{client.ip.str(), client.port, task.who->lease->service, task.clusters};
  if (held.size() >= held_max && !held.contains(key)) {
    ++context->counters.pushes_failed;
    return;
  }
  held.insert_or_assign(key, task);
  // Too long for somebody unknown: a short one that means nothing may bring the acknowledgement.
  auto probe = std::make_shared<const std::string>(make_probe_packet(task.packet_ref_time));
  if (task.packet->size() > context->options.push.udp_unproved_bytes_max
      && context->tables.targets.admit(client.ip, probe->size(), now))
    send(task, probe);
}

bool udp_push_state::is_probed(const udp_ack& ack) const {
  for (auto i = held.lower_bound({ack.ip, ack.port, nullptr, {}}); i != held.end(); ++i) {
    if (std::get<0>(i->first) != ack.ip || std::get<1>(i->first) != ack.port)
      return false;
    if (i->second.packet_ref_time == ack.packet_ref_time)
      return true;
  }
  return false;
}

bool udp_push_state::is_released(const udp_push_task& task, steady_time now) {
  if (context->tables.targets.admit(task.who->lease->client.ip, task.packet->size(), now)) {
    start_push(task, now);
    return true;
  }
  if (now - task.changed_at < held_term)
    return false;
  ++context->counters.pushes_failed;
  return true;
}

void udp_push_state::release(steady_time now) {
  std::erase_if(held, [&](const auto& x) { return is_released(x.second, now); });
}

void udp_push_state::release_to(const std::string& ip, steady_time now) {
  auto i = held.lower_bound({ip, 0, nullptr, {}});
  while (i != held.end() && std::get<0>(i->first) == ip)
    i = is_released(i->second, now) ? held.erase(i) : std::next(i);
}

void udp_push_state::on_ack(const udp_ack& msg) {
  auto now = context->clock.steady();
  auto task = table->take(msg);
  if (!task && !is_probed(msg))
    return;
  context->tables.targets.prove(msg.ip, now);
  if (task)
    context->counters.count_acked(now - task->changed_at);
  release_to(msg.ip, now); // others go when it is their time
}

void udp_push_state::on_ring(const ring& msg) {
  if (!timer.rings(msg))
    return;
  auto now = context->clock.steady();
  auto overdue = table->take_overdue(now);
  for (auto& task : overdue.again)
    if (context->tables.targets.admit(task.who->lease->client.ip, task.packet->size(), now))
      send(task, task.packet);
  context->counters.pushes_failed += overdue.failed.size();
  for (auto& task : overdue.failed)
    spdlog::debug("push-failed {} to {}: no ack", task.who->lease->service->grouped_name(),
                  task.who->lease->client.address());
  release(now);
  arm();
}

std::string udp_push_state::summary() const {
  return std::to_string(table->pending()) + " datagrams wait for an ack";
}

void udp_push_state::details(json_writer& out) const {
  auto& counters = context->counters;
  out.field("pending", table->pending())
    .field("sent", counters.pushes.load())
    .field("acknowledged", counters.pushes_acked.load())
    .field("failed", counters.pushes_failed.load());
}

udp_push_actor::behavior_type udp_push(udp_push_actor::stateful_pointer<udp_push_state> self,
                                       node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&udp_push_state::on_push>(self),
    on<&udp_push_state::on_ack>(self),
    on<&udp_push_state::on_ring>(self),
    on_status(self),
  };
}

} // namespace nacre
