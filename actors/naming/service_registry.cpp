#include "actors/naming/service_registry.hpp"

#include <spdlog/spdlog.h>

#include "actors/naming/service.hpp"

namespace nacre {

service_actor spawn_service(caf::actor_system& system, const node_context_ptr& context,
                            const service_ref& key) {
  if (context->tables.directory.size() >= context->options.limits.services_max)
    return {};
  auto actor = system.spawn(service, context, key, birth_ptr{});
  caf::anon_send(context->actors.registry.get(), supervise_service{key});
  return actor;
}

void service_registry_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  // Register first, then scan: a service that is spawned meanwhile tells it.
  context->actors.registry.set(caf::actor_cast<service_registry_actor>(self));
  // After a restart of the registry itself there are services already.
  context->tables.directory.for_each(
    [this](const service_ref& key, const service_actor& actor, const service_view_ptr&) {
      children.watch<service_state>(key, actor);
    });
}

void service_registry_state::on_supervise(const supervise_service& msg) {
  // The directory holds it by now: its lock was held from spawn to insertion.
  if (auto actor = context->tables.directory.find_actor(msg.service->view()))
    children.watch<service_state>(msg.service, actor);
}

void service_registry_state::on_down(const caf::down_msg& msg) {
  respawn_failed(*this, self, msg, context->clock.steady(),
                 [](const service_ref& key) { return respawn_service{key}; });
}

void service_registry_state::on_respawn(const respawn_service& msg) {
  auto actor =
    self->system().spawn(service, context, msg.service, children.next_birth(msg.service));
  context->tables.directory.replace_actor(msg.service->view(), actor);
  children.watch<service_state>(msg.service, actor);
}

void service_registry_state::on_shard_asks_rows(const shard_asks_rows& msg) {
  // Services spawned from here on are new to the shard's clients, or hear of them from the shard.
  shard_recovery_started started{msg.attempt, 0};
  context->tables.directory.for_each(
    [&](const service_ref&, const service_actor& actor, const service_view_ptr&) {
      self->send(actor, msg);
      ++started.services;
    });
  self->send(context->actors.shards[msg.shard].get(), started);
}

std::string service_registry_state::summary() const {
  return std::to_string(children.size()) + " services, " + std::to_string(children.restarts())
         + " restarts of services";
}

void service_registry_state::details(json_writer& out) const {
  out.field("services", children.size()).field("restarts", children.restarts());
}

service_registry_actor::behavior_type
service_registry(service_registry_actor::stateful_pointer<service_registry_state> self,
                 node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&service_registry_state::on_supervise>(self),
    on<&service_registry_state::on_shard_asks_rows>(self),
    on<&service_registry_state::on_respawn>(self),
    on_status(self),
  };
}

} // namespace nacre
