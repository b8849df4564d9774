#include "actors/service_registry.hpp"

#include <spdlog/spdlog.h>

#include "actors/service.hpp"

namespace nacre {

service_actor spawn_service(caf::actor_system& system, const node_context_ptr& context,
                            const service_ref& key) {
  if (context->directory.size() >= context->options.limits.services_max)
    return {};
  auto actor = system.spawn(service, context, key, false, actor_origin_ptr{});
  caf::anon_send(context->registry.get(), adopt{key});
  return actor;
}

void service_registry_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  // In its place before it looks: a service that is spawned meanwhile tells it.
  context->registry.set(caf::actor_cast<service_registry_actor>(self));
  // After a restart of the registry itself there are services already.
  context->directory.for_each([this](const service_ref& key, const service_actor& actor,
                                     const service_view_ptr&) { watch(key, actor); });
}

void service_registry_state::watch(const service_ref& key, const service_actor& actor) {
  if (services.emplace(actor.id(), key).second)
    self->monitor(actor);
}

void service_registry_state::on_adopt(const adopt& msg) {
  // The directory holds it by now: its lock was held from spawn to insertion.
  if (auto actor = context->directory.find_actor(msg.key->view()))
    watch(msg.key, actor);
}

void service_registry_state::on_down(const caf::down_msg& msg) {
  auto known = services.find(msg.source.id());
  if (known == services.end())
    return;
  auto key = std::move(known->second);
  services.erase(known);
  if (!msg.reason || msg.reason == caf::exit_reason::user_shutdown)
    return; // it retired, or the node ends
  auto delay = failures[key].next(steady_ms(self));
  spdlog::warn("service-failed {}@@{}: {}; starts again in {} ms", key->namespace_id,
               key->grouped_name(), self->system().render(msg.reason), delay.count());
  if (delay.count() == 0)
    on_respawn({key});
  else
    self->delayed_send(self, delay, respawn_service{key});
}

void service_registry_state::on_respawn(const respawn_service& msg) {
  ++restarts;
  auto origin = std::make_shared<const actor_origin>(
    actor_origin{self->id(), failures[msg.key].restarts(), "failed and was rebuilt"});
  auto actor = self->system().spawn(service, context, msg.key, true, std::move(origin));
  context->directory.replace_actor(msg.key->view(), actor);
  watch(msg.key, actor);
}

void service_registry_state::on_recall(const recall& msg) {
  // Services spawned from here on are new to the shard's clients, or hear of them from the shard.
  recall_started started{msg.life, 0};
  context->directory.for_each([&](const service_ref&, const service_actor& actor,
                                  const service_view_ptr&) {
    self->send(actor, msg);
    ++started.services;
  });
  self->send(context->shards[msg.shard].get(), started);
}

caf::result<actor_status> service_registry_state::on_status(const status_request& msg) {
  auto status = make_status(self, *this, "",
                            std::to_string(services.size()) + " services, "
                              + std::to_string(restarts) + " restarts of services");
  if (msg.detailed)
    status.details = "{\"services\":" + std::to_string(services.size()) + "}";
  return status;
}

service_registry_actor::behavior_type
service_registry(service_registry_actor::stateful_pointer<service_registry_state> self,
                 node_context_ptr context, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context));
  return {
    on<&service_registry_state::on_adopt>(self),
    on<&service_registry_state::on_recall>(self),
    on<&service_registry_state::on_respawn>(self),
    on<&service_registry_state::on_status>(self),
  };
}

} // namespace nacre
