#include "actors/udp_push.hpp"

#include <spdlog/spdlog.h>

#include "protocol/json_writer.hpp"
#include "protocol/push_packet.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {
constexpr auto tick_interval = 200ms;
}

void udp_push_state::start(node_context_ptr ctx, bool recover) {
  context = std::move(ctx);
  auto& push = context->options.push;
  table.emplace(push.udp_ack_timeout.count(), push.udp_retransmits, push.udp_pending_max);
  context->udp_push.set(caf::actor_cast<udp_push_actor>(self));
  if (recover)
    self->send(context->push_engine.get(), tell_all{});
}

void udp_push_state::send(const udp_push_task& task) {
  if (context->datagrams)
    context->datagrams->send(task.who->held_by->client.ip, task.who->held_by->client.port,
                             task.packet);
}

void udp_push_state::arm() {
  if (armed || table->pending() == 0)
    return;
  armed = true;
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

void udp_push_state::on_push(const udp_push_task& msg) {
  if (msg.packet->size() > datagram_bytes_max) {
    ++context->counters.pushes_failed;
    spdlog::warn("push-too-large {}: {} bytes fit no datagram, subscribers have to poll",
                 msg.who->held_by->service->grouped_name(), msg.packet->size());
    return;
  }
  if (!table->add(msg, steady_ms(self)))
    return;
  ++context->counters.pushes;
  if (msg.empty)
    ++context->counters.pushes_empty;
  send(msg);
  arm();
}

void udp_push_state::on_ack(const udp_ack& msg) {
  auto task = table->take(msg);
  if (!task)
    return;
  context->counters.count_acked(steady_ms(self) - task->changed_at_ms);
}

void udp_push_state::on_tick(const caf::tick_atom&) {
  armed = false;
  auto overdue = table->take_overdue(steady_ms(self));
  for (auto& task : overdue.again)
    send(task);
  context->counters.pushes_failed += overdue.failed.size();
  for (auto& task : overdue.failed)
    spdlog::debug("push-failed {} to {}: no ack", task.who->held_by->service->grouped_name(),
                  task.who->held_by->client.address());
  arm();
}

caf::result<actor_status> udp_push_state::on_status(const status_request& msg) {
  auto& counters = context->counters;
  auto status = make_status(self, *this, "",
                            std::to_string(table->pending()) + " datagrams wait for an ack");
  if (msg.detailed) {
    json_writer out;
    out.begin_object()
      .field("pending", table->pending())
      .field("sent", counters.pushes.load())
      .field("acknowledged", counters.pushes_acked.load())
      .field("failed", counters.pushes_failed.load())
      .end_object();
    status.details = out.take();
  }
  return status;
}

udp_push_actor::behavior_type udp_push(udp_push_actor::stateful_pointer<udp_push_state> self,
                                       node_context_ptr context, bool recover,
                                       actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), recover);
  return {
    on<&udp_push_state::on_push>(self),
    on<&udp_push_state::on_ack>(self),
    on<&udp_push_state::on_tick>(self),
    on<&udp_push_state::on_status>(self),
  };
}

} // namespace nacre
