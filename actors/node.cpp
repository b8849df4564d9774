#include "actors/node.hpp"

#include <spdlog/spdlog.h>

#include "actors/beat_relay.hpp"
#include "actors/client_shard.hpp"
#include "actors/connection_registry.hpp"
#include "actors/fuzzy_watch.hpp"
#include "actors/inspector.hpp"
#include "actors/membership.hpp"
#include "actors/metadata_actor.hpp"
#include "actors/push_engine.hpp"
#include "actors/service_registry.hpp"
#include "actors/udp_push.hpp"
#include "protocol/json_writer.hpp"

namespace nacre {

template <class Cell, class Spawn>
void node_state::add(std::string title, Cell& cell, Spawn spawn) {
  child x;
  x.title = std::move(title);
  x.spawn = [&cell, spawn](bool again, actor_origin_ptr origin) {
    auto actor = spawn(again, std::move(origin));
    cell.set(actor);
    return caf::actor_cast<caf::strong_actor_ptr>(actor);
  };
  x.actor = caf::actor_cast<caf::strong_actor_ptr>(cell.get());
  children.push_back(std::move(x));
}

void node_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  self->set_exit_handler([this](const caf::exit_msg& msg) { on_exit(msg); });
  if (context->started_ms == 0)
    context->started_ms = steady_ms(self);
  auto& system = self->system();
  auto& c = context;
  // Each only needs those before it to do its work; the shards come last, as writes begin there.
  add("metadata", c->metadata, [&system, c](bool, actor_origin_ptr origin) {
    return system.spawn(metadata_keeper, c, std::move(origin));
  });
  add("udp-push", c->udp_push, [&system, c](bool again, actor_origin_ptr origin) {
    return system.spawn(udp_push, c, again, std::move(origin));
  });
  add("fuzzy-watch", c->fuzzy_watch, [&system, c](bool again, actor_origin_ptr origin) {
    return system.spawn(fuzzy_watch, c, again, std::move(origin));
  });
  add("connection-registry", c->connection_registry,
      [&system, c](bool, actor_origin_ptr origin) {
        return system.spawn(connection_registry, c, std::move(origin));
      });
  add("push-engine", c->push_engine, [&system, c](bool again, actor_origin_ptr origin) {
    return system.spawn(push_engine, c, again, std::move(origin));
  });
  add("inspector", c->inspector, [&system, c](bool, actor_origin_ptr origin) {
    return system.spawn(inspector, c, std::move(origin));
  });
  add("service-registry", c->registry, [&system, c](bool, actor_origin_ptr origin) {
    return system.spawn(service_registry, c, std::move(origin));
  });
  if (c->cluster) {
    add("membership", c->cluster->membership, [&system, c](bool, actor_origin_ptr origin) {
      return system.spawn(membership, c, std::move(origin));
    });
    add("beat-relay", c->cluster->beat_relay, [&system, c](bool, actor_origin_ptr origin) {
      return system.spawn(beat_relay, c, std::move(origin));
    });
  }
  for (std::size_t i = 0; i < c->shards.size(); ++i)
    add("client-shard " + std::to_string(i), c->shards[i],
        [&system, c, i](bool again, actor_origin_ptr origin) {
          return system.spawn(client_shard, c, i, again, std::move(origin));
        });
  for (auto& x : children) {
    auto predecessors = x.actor; // set if this root took the place of a failed one
    watch(x, predecessors ? predecessors
                          : x.spawn(false, std::make_shared<const actor_origin>(
                                             actor_origin{self->id(), 0, ""})));
  }
}

void node_state::watch(child& x, caf::strong_actor_ptr actor) {
  x.actor = std::move(actor);
  self->monitor(caf::actor_cast<caf::actor_addr>(x.actor));
}

void node_state::on_down(const caf::down_msg& msg) {
  auto i = std::find_if(children.begin(), children.end(), [&](const child& x) {
    return x.actor && x.actor->id() == msg.source.id();
  });
  if (i == children.end())
    return;
  if (stopping) {
    i->actor = nullptr;
    return stop_next();
  }
  auto delay = i->delay.next(steady_ms(self));
  i->last_failure = self->system().render(msg.reason);
  spdlog::warn("actor-failed {}: {}; starts again in {} ms", i->title, i->last_failure,
               delay.count());
  respawn_child again{static_cast<std::size_t>(i - children.begin())};
  if (delay.count() == 0)
    on_respawn(again);
  else
    self->delayed_send(self, delay, again);
}

void node_state::on_respawn(const respawn_child& msg) {
  if (stopping)
    return;
  auto& x = children[msg.child];
  auto origin = std::make_shared<const actor_origin>(
    actor_origin{self->id(), x.delay.restarts(), x.last_failure});
  watch(x, x.spawn(true, std::move(origin)));
}

void node_state::on_exit(const caf::exit_msg&) {
  if (std::exchange(stopping, true))
    return;
  stop_next();
}

/// Ends the last child that still lives; when none is left, the services, then itself.
void node_state::stop_next() {
  for (auto i = children.rbegin(); i != children.rend(); ++i)
    if (i->actor)
      return self->send_exit(caf::actor_cast<caf::actor>(i->actor),
                             caf::exit_reason::user_shutdown);
  context->directory.for_each([this](const service_ref&, const service_actor& actor,
                                     const service_view_ptr&) {
    self->send_exit(actor, caf::exit_reason::user_shutdown);
  });
  context->connections.for_each([this](const connection_ptr& x) {
    self->send_exit(x->actor.get(), caf::exit_reason::user_shutdown);
  });
  self->quit(caf::exit_reason::user_shutdown);
}

caf::result<actor_status> node_state::on_status(const status_request& msg) {
  std::uint32_t restarts = 0;
  for (auto& x : children)
    restarts += x.delay.restarts();
  auto status = make_status(self, *this, "",
                            std::to_string(children.size()) + " children, "
                              + std::to_string(restarts) + " restarts of children");
  if (msg.detailed) {
    json_writer out;
    out.begin_object().key("children").begin_array();
    for (auto& x : children)
      out.begin_object()
        .field("title", x.title)
        .field("id", x.actor ? x.actor->id() : 0)
        .field("restarts", x.delay.restarts())
        .field("lastFailure", x.last_failure)
        .end_object();
    out.end_array().end_object();
    status.details = out.take();
  }
  return status;
}

node_actor::behavior_type node(node_actor::stateful_pointer<node_state> self,
                               node_context_ptr context, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context));
  return {
    on<&node_state::on_respawn>(self),
    on<&node_state::on_status>(self),
  };
}

node_actor spawn_node(caf::actor_system& system, const node_context_ptr& context) {
  auto root = system.spawn(node, context, actor_origin_ptr{});
  context->node.set(root);
  return root;
}

std::size_t client_shards(const options& opts, std::size_t actor_threads) {
  return opts.client_shards != 0 ? opts.client_shards : std::max<std::size_t>(actor_threads, 2);
}

} // namespace nacre
