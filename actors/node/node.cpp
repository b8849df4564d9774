#include "actors/node/node.hpp"

#include <spdlog/spdlog.h>

#include "actors/connections/connection_registry.hpp"
#include "actors/connections/fuzzy_watch.hpp"
#include "actors/distro/beat_relay.hpp"
#include "actors/distro/membership.hpp"
#include "actors/health/health_check.hpp"
#include "actors/naming/client_shard.hpp"
#include "actors/naming/metadata_keeper.hpp"
#include "actors/naming/service_registry.hpp"
#include "actors/node/inspector.hpp"
#include "actors/push/push_engine.hpp"
#include "actors/push/udp_push.hpp"
#include "actors/store/store.hpp"
#include "actors/store/store_writer.hpp"

namespace nacre {

template <class State, class Cell, class Function, class... Args>
void node_state::add(Cell& cell, Function function, Args... args) {
  auto number = places.size();
  auto watch = [this, &cell, number] {
    if (auto actor = cell.get())
      children.watch<State>(number, actor);
    return cell.get() != nullptr;
  };
  place x;
  x.key = (std::string() + ... + std::to_string(args));
  x.spawn = [this, &cell, function, args..., watch](birth_ptr birth) {
    auto& system = self->system();
    if constexpr (requires { State::has_own_thread; })
      if (context->has_threads_for_disk) {
        cell.set(system.spawn<caf::detached>(function, context, args..., std::move(birth)));
        return (void)watch();
      }
    cell.set(system.spawn(function, context, args..., std::move(birth)));
    watch();
  };
  x.take_over = watch;
  x.present = [&cell] { return caf::actor_cast<caf::actor>(cell.get()); };
  places.push_back(std::move(x));
}

/// Each only needs those before it to do its work. Writes begin at the shards and at the METADATA
/// KEEPER; what was agreed on before is shown by all of them, so the STORE comes last.
void node_state::add_children() {
  auto& c = *context;
  add<metadata_keeper_state>(c.actors.metadata, metadata_keeper);
  add<udp_push_state>(c.actors.udp_push, udp_push);
  add<fuzzy_watch_state>(c.actors.fuzzy_watch, fuzzy_watch);
  add<connection_registry_state>(c.actors.connection_registry, connection_registry);
  add<push_engine_state>(c.actors.push_engine, push_engine);
  add<inspector_state>(c.actors.inspector, inspector);
  add<service_registry_state>(c.actors.registry, service_registry);
  if (c.cluster) {
    add<membership_state>(c.cluster->membership, membership);
    add<beat_relay_state>(c.cluster->beat_relay, beat_relay);
  }
  for (std::size_t i = 0; i < c.actors.shards.size(); ++i)
    add<client_shard_state>(c.actors.shards[i], client_shard, i);
  add<health_check_state>(c.actors.health, health_check);
  add<store_writer_state>(c.actors.store_writer, store_writer);
  add<store_state>(c.actors.store, store);
}

void node_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  self->set_exit_handler([this](const caf::exit_msg& msg) { on_exit(msg); });
  if (context->started.load() == never)
    context->started = context->clock.steady();
  add_children();
  for (std::size_t i = 0; i < places.size(); ++i)
    if (!places[i].take_over()) // else this root took the place of a failed one
      places[i].spawn(children.next_birth(i));
}

void node_state::on_down(const caf::down_msg& msg) {
  respawn_failed(*this, self, msg, context->clock.steady(),
                 [](std::size_t place) { return respawn_child{place}; });
  if (stopping)
    stop_next();
}

void node_state::on_respawn(const respawn_child& msg) {
  if (!stopping)
    places[msg.child].spawn(children.next_birth(msg.child));
}

void node_state::on_exit(const caf::exit_msg&) {
  if (!std::exchange(stopping, true))
    stop_next();
}

void node_state::stop_next() {
  for (auto i = places.rbegin(); i != places.rend(); ++i)
    if (children.has(static_cast<std::size_t>(places.rend() - i - 1)))
      return self->send_exit(i->present(), caf::exit_reason::user_shutdown);
  context->tables.directory.for_each(
    [this](const service_ref&, const service_actor& actor, const service_view_ptr&) {
      self->send_exit(actor, caf::exit_reason::user_shutdown);
    });
  context->tables.connections.for_each([this](const connection_ptr& x) {
    self->send_exit(x->actor.get(), caf::exit_reason::user_shutdown);
  });
  self->quit(caf::exit_reason::user_shutdown);
}

std::string node_state::summary() const {
  return std::to_string(children.size()) + " children, " + std::to_string(children.restarts())
         + " restarts of children";
}

void node_state::details(json_writer& out) const {
  out.field("children", children.size())
    .field("restarts", children.restarts())
    .field("warmingUp", context->warming_up(context->clock.steady()))
    .field("stopping", stopping);
}

node_actor::behavior_type node(node_actor::stateful_pointer<node_state> self,
                               node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {on<&node_state::on_respawn>(self), on_status(self)};
}

node_actor spawn_node(caf::actor_system& system, const node_context_ptr& context) {
  auto root = system.spawn(node, context, birth_ptr{});
  context->actors.node.set(root);
  return root;
}

std::size_t client_shards(const options& opts, std::size_t actor_threads) {
  return opts.client_shards != 0 ? opts.client_shards : std::max<std::size_t>(actor_threads, 2);
}

} // namespace nacre
