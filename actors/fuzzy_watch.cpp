#include "actors/fuzzy_watch.hpp"

namespace nacre {

void fuzzy_watch_state::start(node_context_ptr ctx, bool recover) {
  context = std::move(ctx);
  context->fuzzy_watch.set(caf::actor_cast<fuzzy_watch_actor>(self));
  if (!recover)
    return;
  context->connections.for_each([this](const connection_ptr& x) {
    if (!x->watches)
      return;
    watchers.insert(x->info.id);
    self->send(x->actor.get(), resync_watches{});
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
    if (auto x = context->connections.find(id))
      self->send(x->actor.get(), msg);
}

caf::result<actor_status> fuzzy_watch_state::on_status(const status_request& msg) {
  auto status = make_status(self, *this, "",
                            std::to_string(watchers.size()) + " connections watch patterns");
  if (msg.detailed)
    status.details = "{\"watchers\":" + std::to_string(watchers.size()) + "}";
  return status;
}

fuzzy_watch_actor::behavior_type
fuzzy_watch(fuzzy_watch_actor::stateful_pointer<fuzzy_watch_state> self, node_context_ptr context,
            bool recover, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), recover);
  return {
    on<&fuzzy_watch_state::on_watcher>(self),
    on<&fuzzy_watch_state::on_presence>(self),
    on<&fuzzy_watch_state::on_status>(self),
  };
}

} // namespace nacre
