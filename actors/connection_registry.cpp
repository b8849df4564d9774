#include "actors/connection_registry.hpp"

#include <spdlog/spdlog.h>

#include "actors/connection_client.hpp"

namespace nacre {

void connection_registry_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  // In its place before it looks: a connection that opens meanwhile tells it.
  context->connection_registry.set(caf::actor_cast<connection_registry_actor>(self));
  context->connections.for_each([this](const connection_ptr& x) { watch(x); });
}

void connection_registry_state::watch(const connection_ptr& x) {
  auto actor = x->actor.get();
  if (actor && watched.emplace(actor.id(), x->info.id).second)
    self->monitor(actor);
}

void connection_registry_state::on_adopt(const adopt_connection& msg) {
  if (auto x = context->connections.find(msg.connection_id))
    watch(x);
}

void connection_registry_state::on_down(const caf::down_msg& msg) {
  auto known = watched.find(msg.source.id());
  if (known == watched.end())
    return;
  auto id = std::move(known->second);
  watched.erase(known);
  if (!msg.reason || msg.reason == caf::exit_reason::user_shutdown
      || !context->connections.find(id)) {
    failures.erase(id); // its connection ended, or the node ends
    return;
  }
  auto delay = failures[id].next(steady_ms(self));
  spdlog::warn("connection-client-failed {}: {}; starts again in {} ms", id,
               self->system().render(msg.reason), delay.count());
  if (delay.count() == 0)
    on_respawn({id});
  else
    self->delayed_send(self, delay, respawn_connection{id});
}

void connection_registry_state::on_respawn(const respawn_connection& msg) {
  auto x = context->connections.find(msg.connection_id);
  if (!x)
    return;
  ++restarts;
  auto origin = std::make_shared<const actor_origin>(actor_origin{
    self->id(), failures[msg.connection_id].restarts(), "failed and went on with its rows"});
  x->actor.set(self->system().spawn(connection_client, context, x, true, std::move(origin)));
  watch(x);
}

caf::result<actor_status> connection_registry_state::on_status(const status_request& msg) {
  auto status = make_status(self, *this, "",
                            std::to_string(watched.size()) + " connections, "
                              + std::to_string(restarts) + " restarts of their actors");
  if (msg.detailed)
    status.details = "{\"connections\":" + std::to_string(watched.size()) + "}";
  return status;
}

connection_registry_actor::behavior_type
connection_registry(connection_registry_actor::stateful_pointer<connection_registry_state> self,
                    node_context_ptr context, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context));
  return {
    on<&connection_registry_state::on_adopt>(self),
    on<&connection_registry_state::on_respawn>(self),
    on<&connection_registry_state::on_status>(self),
  };
}

} // namespace nacre
