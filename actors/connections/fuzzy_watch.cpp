#include "actors/connections/fuzzy_watch.hpp"

namespace nacre {

void fuzzy_watch_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  context->actors.fuzzy_watch.set(caf::actor_cast<fuzzy_watch_actor>(self));
  if (!is_restart(birth))
    return;
  context->tables.connections.for_each([this](const connection_ptr& x) {
    if (!x->watches)
      return;
    watchers.insert(x->info.id);
    self->send(x->actor.get(), fuzzy_watch_restarted{});
  });
}

void fuzzy_watch_state::on_watcher(const watcher_changed& msg) {
  if (msg.watches)
    watchers.insert(msg.connection_id);
  else
    watchers.erase(msg.connection_id);
}

void fuzzy_watch_state::on_presence(const presence_changed& msg) {
  for (auto& id : watchers)
    if (auto x = context->tables.connections.find(id))
      self->send(x->actor.get(), msg);
}

std::string fuzzy_watch_state::summary() const {
  return std::to_string(watchers.size()) + " connections watch patterns";
}

void fuzzy_watch_state::details(json_writer& out) const { out.field("watchers", watchers.size()); }

fuzzy_watch_actor::behavior_type
fuzzy_watch(fuzzy_watch_actor::stateful_pointer<fuzzy_watch_state> self, node_context_ptr context,
            birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&fuzzy_watch_state::on_watcher>(self),
    on<&fuzzy_watch_state::on_presence>(self),
    on_status(self),
  };
}

} // namespace nacre
