#include "actors/connections/connection_registry.hpp"

#include <spdlog/spdlog.h>

#include "actors/connections/connection_client.hpp"

namespace nacre {

void connection_registry_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  // Register first, then scan: a connection that opens meanwhile tells it.
  context->actors.connection_registry.set(caf::actor_cast<connection_registry_actor>(self));
  context->tables.connections.for_each([this](const connection_ptr& x) { watch(x); });
}

void connection_registry_state::watch(const connection_ptr& x) {
  if (auto actor = x->actor.get())
    children.watch<connection_client_state>(x->info.id, actor);
}

void connection_registry_state::on_supervise(const supervise_connection& msg) {
  if (auto x = context->tables.connections.find(msg.connection_id))
    watch(x);
}

void connection_registry_state::on_down(const caf::down_msg& msg) {
  respawn_failed(*this, self, msg, context->clock.steady(),
                 [](const std::string& id) { return respawn_connection{id}; });
}

void connection_registry_state::on_respawn(const respawn_connection& msg) {
  auto x = context->tables.connections.find(msg.connection_id);
  if (!x)
    return children.forget(msg.connection_id); // the connection ended meanwhile
  x->actor.set(
    self->system().spawn(connection_client, context, x, children.next_birth(msg.connection_id)));
  watch(x);
}

std::string connection_registry_state::summary() const {
  return std::to_string(children.size()) + " connections, " + std::to_string(children.restarts())
         + " restarts of their actors";
}

void connection_registry_state::details(json_writer& out) const {
  out.field("connections", children.size()).field("restarts", children.restarts());
}

connection_registry_actor::behavior_type
connection_registry(connection_registry_actor::stateful_pointer<connection_registry_state> self,
                    node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&connection_registry_state::on_supervise>(self),
    on<&connection_registry_state::on_respawn>(self),
    on_status(self),
  };
}

} // namespace nacre
