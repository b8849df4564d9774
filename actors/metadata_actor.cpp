#include "actors/metadata_actor.hpp"

#include <set>

#include <spdlog/spdlog.h>

#include "actors/service.hpp"
#include "config/config_error.hpp"
#include "protocol/text.hpp"

namespace nacre {

void metadata_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->delayed_send(self, context->options.cleaning.expired_metadata_interval,
                     caf::tick_atom_v);
}

void metadata_state::tell_service(const service_ref& service, const ticket_ptr& answer,
                                  outcome otherwise) {
  bool found = context->directory.with_actor(
    service, [] { return service_actor{}; },
    [&](const service_actor& target) {
      self->send(target, stored_changed{std::nullopt, answer});
    });
  if (!found)
    complete(answer, std::move(otherwise));
}

namespace {

void apply(const overlay_change& change, overlay_table& table) {
  using kind = overlay_change::kind;
  auto known = table.find(change.metadata_id);
  if (change.how == kind::replace || (known == table.end() && change.how == kind::add_metadata)) {
    table[change.metadata_id] = change.overlay;
  } else if (known != table.end()) {
    for (auto& [key, value] : change.overlay.metadata)
      change.how == kind::add_metadata ? set_metadata(known->second.metadata, key, value)
                                       : remove_metadata(known->second.metadata, key);
  }
}

} // namespace

void metadata_state::on_put_overlays(const put_overlays& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("overrides of instances"));
  auto present = context->store.overlays(msg.service->view());
  auto next = present ? std::make_shared<overlay_table>(*present)
                      : std::make_shared<overlay_table>();
  for (auto& change : msg.changes)
    apply(change, *next);
  if (next->size() > context->options.limits.instances_max)
    return complete(msg.answer, {ec::limit_reached, "too many overrides of one service"});
  context->store.set_overlays(msg.service, std::move(next));
  tell_service(msg.service, msg.answer, {ec::service_not_found, "service not found"});
}

void metadata_state::on_create_service(const create_service& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("services without instances"));
  auto key = msg.service->view();
  if (auto view = context->directory.find(key); view && view->listed)
    return complete(msg.answer, {ec::service_exists, "specified service "
                                                       + msg.service->grouped_name()
                                                       + " already exists!"});
  context->store.set_metadata(msg.service, msg.metadata);
  bool sent = send_to_service(self, context, msg.service,
                              stored_changed{msg.metadata->ephemeral, msg.answer});
  if (!sent) {
    context->store.set_metadata(msg.service, nullptr);
    complete(msg.answer, {ec::limit_reached, "this node holds as many services as it may"});
  }
}

void metadata_state::on_update_service(const update_service& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("settings of services"));
  outcome missing{ec::service_not_found, "service " + msg.service->grouped_name() + " not found!"};
  auto view = context->directory.find(msg.service->view());
  if (!view || !view->listed)
    return complete(msg.answer, std::move(missing));
  auto present = context->store.metadata(msg.service->view());
  auto next = present ? std::make_shared<service_metadata>(*present)
                      : std::make_shared<service_metadata>();
  if (!present)
    next->ephemeral = view->kind == service_kind::ephemeral;
  msg.change(*next);
  context->store.set_metadata(msg.service, std::move(next));
  tell_service(msg.service, msg.answer, std::move(missing));
}

void metadata_state::on_service_ended(const service_ended& msg) {
  auto key = msg.service->view();
  if (msg.overlays && context->store.overlays(key) == msg.overlays)
    context->store.set_overlays(msg.service, nullptr);
  if (msg.metadata && context->store.metadata(key) == msg.metadata)
    context->store.set_metadata(msg.service, nullptr);
}

void metadata_state::on_put_namespace(const put_namespace& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("records of namespaces"));
  bool exists = context->store.find_namespace(msg.record.id).has_value();
  if (msg.must_exist && !exists)
    return complete(msg.answer, {ec::namespace_not_found,
                                 "namespaceId [ " + msg.record.id + " ] not exist"});
  if (!msg.must_exist && exists)
    return complete(msg.answer, {ec::namespace_exists,
                                 "the namespaceId is existed, namespaceId: " + msg.record.id});
  if (!exists && context->store.namespaces().size() >= context->options.limits.namespaces_max)
    return complete(msg.answer,
                    {ec::limit_reached, "this node holds as many namespaces as it may"});
  context->store.set_namespace(msg.record);
  complete(msg.answer);
}

void metadata_state::on_delete_namespace(const delete_namespace& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("records of namespaces"));
  context->store.remove_namespace(msg.id);
  complete(msg.answer);
}

void metadata_state::on_set_switch(const set_switch& msg) {
  auto next = std::make_shared<switch_domain>(*context->store.switches());
  if (auto complaint = next->set(msg.entry, msg.value))
    return complete(msg.answer, {ec::illegal_value, std::move(*complaint)});
  context->store.set_switches(std::move(next));
  spdlog::info("switch-set {}", printable(shortened(msg.entry, 64)));
  complete(msg.answer);
}

void metadata_state::expire_overlays(const service_ref& service) {
  auto overlays = context->store.overlays(service->view());
  if (!overlays)
    return;
  std::set<std::string> present;
  if (auto view = context->directory.find(service->view()))
    view->publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        present.insert(one.metadata_id());
    });
  auto now = steady_ms(self);
  auto expired_ms = context->options.cleaning.expired_metadata_expired.count();
  auto kept = std::make_shared<overlay_table>();
  for (auto& [id, overlay] : *overlays) {
    auto mark = std::pair(service, id);
    if (present.count(id) != 0) {
      absent_since.erase(mark);
      kept->emplace(id, overlay);
    } else if (now - absent_since.try_emplace(mark, now).first->second < expired_ms) {
      kept->emplace(id, overlay);
    } else {
      absent_since.erase(mark);
    }
  }
  if (kept->size() == overlays->size())
    return;
  context->store.set_overlays(service, std::move(kept));
  tell_service(service, nullptr, {});
}

void metadata_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, context->options.cleaning.expired_metadata_interval,
                     caf::tick_atom_v);
  for (auto& service : context->store.overlaid_services())
    expire_overlays(service);
  // Marks of overrides that ended otherwise, with their service.
  std::erase_if(absent_since, [this](const auto& mark) {
    auto overlays = context->store.overlays(mark.first.first->view());
    return !overlays || overlays->count(mark.first.second) == 0;
  });
}

caf::result<actor_status> metadata_state::on_status(const status_request& msg) {
  auto overlaid = context->store.overlaid_services().size();
  auto status = make_status(self, *this, "",
                            std::to_string(overlaid) + " services with overrides, in memory");
  if (msg.detailed)
    status.details = "{\"servicesWithOverrides\":" + std::to_string(overlaid) + ",\"namespaces\":"
                     + std::to_string(context->store.namespaces().size()) + "}";
  return status;
}

metadata_actor::behavior_type metadata_keeper(metadata_actor::stateful_pointer<metadata_state> self,
                                              node_context_ptr context, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context));
  return {
    on<&metadata_state::on_put_overlays>(self),
    on<&metadata_state::on_create_service>(self),
    on<&metadata_state::on_update_service>(self),
    on<&metadata_state::on_service_ended>(self),
    on<&metadata_state::on_put_namespace>(self),
    on<&metadata_state::on_delete_namespace>(self),
    on<&metadata_state::on_set_switch>(self),
    on<&metadata_state::on_tick>(self),
    on<&metadata_state::on_status>(self),
  };
}

} // namespace nacre
