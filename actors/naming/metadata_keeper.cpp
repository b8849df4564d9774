#include "actors/naming/metadata_keeper.hpp"

#include <set>

#include <spdlog/spdlog.h>

#include "actors/naming/service.hpp"
#include "config/config_error.hpp"
#include "protocol/override_change.hpp"
#include "protocol/text.hpp"

namespace nacre {

void metadata_keeper_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->delayed_send(self, context->options.cleaning.expired_metadata_interval, caf::tick_atom_v);
}

template <class Event>
void metadata_keeper_state::tell_service(const service_ref& service, Event event,
                                         outcome otherwise) {
  auto answer = event.answer;
  bool found = context->tables.directory.with_actor(
    service, [] { return service_actor{}; },
    [&](const service_actor& target) { self->send(target, std::move(event)); });
  if (!found)
    complete(answer, std::move(otherwise));
}

outcome metadata_keeper_state::check_stored(const service_ref& service, std::size_t before,
                                            std::size_t after) const {
  auto& limits = context->options.limits;
  auto full = [](std::string_view where, std::size_t max) {
    return outcome{ec::limit_reached, "what is stored about " + std::string(where)
                                        + " may not take more than " + std::to_string(max)
                                        + " bytes"};
  };
  if (after <= before)
    return {};
  auto& store = context->tables.store;
  if (store.bytes_of(service->view()) - before + after > limits.stored_service_bytes_max)
    return full("one service", limits.stored_service_bytes_max);
  if (store.bytes() - before + after > limits.stored_bytes_max)
    return full("all services", limits.stored_bytes_max);
  return {};
}

void metadata_keeper_state::on_put_overrides(const put_overrides& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("overrides of instances"));
  auto present = context->tables.store.overrides(msg.service->view());
  auto next =
    present ? std::make_shared<override_table>(*present) : std::make_shared<override_table>();
  std::set<override_ptr, override_content_less> contents;
  for (auto& change : msg.changes) {
    auto known = next->find(change.metadata_id);
    auto content = changed_override(change, known == next->end() ? nullptr : known->second);
    if (!content)
      continue;
    if (auto complaint = context->checks.metadata(content->metadata))
      return complete(msg.answer, {ec::illegal_value, *complaint});
    (*next)[change.metadata_id] = *contents.insert(std::move(content)).first;
  }
  if (next->size() > context->options.limits.instances_max)
    return complete(msg.answer, {ec::limit_reached, "too many overrides of one service"});
  auto allowed = check_stored(msg.service, present ? bytes_of(*present) : 0, bytes_of(*next));
  if (!allowed.ok())
    return complete(msg.answer, std::move(allowed));
  context->tables.store.set_overrides(msg.service, std::move(next));
  tell_service(msg.service, instance_metadata_changed{msg.answer},
               {ec::service_not_found, "service not found"});
}

void metadata_keeper_state::on_create_service(const create_service& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("services without instances"));
  auto key = msg.service->view();
  if (auto view = context->tables.directory.find(key); view && view->listed)
    return complete(msg.answer,
                    {ec::service_exists,
                     "specified service " + msg.service->grouped_name() + " already exists!"});
  auto stored = context->tables.store.metadata(key);
  auto allowed = check_stored(msg.service, stored ? bytes_of(*stored) : 0, bytes_of(*msg.metadata));
  if (!allowed.ok())
    return complete(msg.answer, std::move(allowed));
  context->tables.store.set_metadata(msg.service, msg.metadata);
  bool sent = send_to_service(self, context, msg.service,
                              service_metadata_changed{msg.metadata->ephemeral, msg.answer});
  if (!sent) {
    context->tables.store.set_metadata(msg.service, nullptr);
    complete(msg.answer, {ec::limit_reached, "this node holds as many services as it may"});
  }
}

void metadata_keeper_state::on_update_service(const update_service& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("settings of services"));
  outcome missing{ec::service_not_found, "service " + msg.service->grouped_name() + " not found!"};
  auto view = context->tables.directory.find(msg.service->view());
  if (!view || !view->listed)
    return complete(msg.answer, std::move(missing));
  auto present = context->tables.store.metadata(msg.service->view());
  auto next =
    present ? std::make_shared<service_metadata>(*present) : std::make_shared<service_metadata>();
  if (!present)
    next->ephemeral = view->kind == service_kind::ephemeral;
  msg.change(*next);
  auto allowed = check_stored(msg.service, present ? bytes_of(*present) : 0, bytes_of(*next));
  if (!allowed.ok())
    return complete(msg.answer, std::move(allowed));
  context->tables.store.set_metadata(msg.service, std::move(next));
  tell_service(msg.service, service_metadata_changed{std::nullopt, msg.answer}, std::move(missing));
}

void metadata_keeper_state::on_service_ended(const service_ended& msg) {
  auto key = msg.service->view();
  if (msg.overrides && context->tables.store.overrides(key) == msg.overrides)
    context->tables.store.set_overrides(msg.service, nullptr);
  if (msg.metadata && context->tables.store.metadata(key) == msg.metadata)
    context->tables.store.set_metadata(msg.service, nullptr);
}

void metadata_keeper_state::on_put_namespace(const put_namespace& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("records of namespaces"));
  bool exists = context->tables.store.find_namespace(msg.record.id).has_value();
  if (msg.must_exist && !exists)
    return complete(msg.answer,
                    {ec::namespace_not_found, "namespaceId [ " + msg.record.id + " ] not exist"});
  if (!msg.must_exist && exists)
    return complete(msg.answer, {ec::namespace_exists,
                                 "the namespaceId is existed, namespaceId: " + msg.record.id});
  if (!exists && context->tables.store.namespaces_count() >= context->options.limits.namespaces_max)
    return complete(msg.answer,
                    {ec::limit_reached, "this node holds as many namespaces as it may"});
  context->tables.store.set_namespace(msg.record);
  complete(msg.answer);
}

void metadata_keeper_state::on_delete_namespace(const delete_namespace& msg) {
  if (context->cluster)
    return complete(msg.answer, not_replicated("records of namespaces"));
  context->tables.store.remove_namespace(msg.id);
  complete(msg.answer);
}

void metadata_keeper_state::on_set_switch(const set_switch& msg) {
  if (context->cluster && !msg.here_only)
    return complete(msg.answer,
                    not_replicated("switches of all nodes (debug=true sets this node's)"));
  auto next = std::make_shared<switch_domain>(*context->tables.store.switches());
  if (auto complaint = next->set(msg.entry, msg.value))
    return complete(msg.answer, {ec::illegal_value, std::move(*complaint)});
  context->tables.store.set_switches(std::move(next));
  spdlog::info("switch-set {}", printable(shortened(msg.entry, 64)));
  complete(msg.answer);
}

void metadata_keeper_state::expire_overrides(const service_ref& service) {
  auto overrides = context->tables.store.overrides(service->view());
  if (!overrides)
    return;
  std::set<std::string> present;
  if (auto view = context->tables.directory.find(service->view()))
    view->publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        present.insert(one.metadata_id());
    });
  auto now = context->clock.steady();
  auto expired = context->options.cleaning.expired_metadata_expired;
  auto kept = std::make_shared<override_table>();
  for (auto& [id, content] : *overrides) {
    auto mark = std::pair(service, id);
    if (present.count(id) != 0) {
      absent_since.erase(mark);
      kept->emplace(id, content);
    } else if (now - absent_since.try_emplace(mark, now).first->second < expired) {
      kept->emplace(id, content);
    } else {
      absent_since.erase(mark);
    }
  }
  if (kept->size() == overrides->size())
    return;
  context->tables.store.set_overrides(service, std::move(kept));
  tell_service(service, instance_metadata_changed{nullptr}, {});
}

void metadata_keeper_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, context->options.cleaning.expired_metadata_interval, caf::tick_atom_v);
  for (auto& service : context->tables.store.overridden_services())
    expire_overrides(service);
  // Marks of overrides that ended otherwise, with their service.
  std::erase_if(absent_since, [this](const auto& mark) {
    auto overrides = context->tables.store.overrides(mark.first.first->view());
    return !overrides || overrides->count(mark.first.second) == 0;
  });
}

std::string metadata_keeper_state::summary() const {
  return std::to_string(context->tables.store.overridden_services().size())
         + " services with overrides, in memory";
}

void metadata_keeper_state::details(json_writer& out) const {
  out.field("servicesWithOverrides", context->tables.store.overridden_services().size())
    .field("namespaces", context->tables.store.namespaces_count());
}

metadata_keeper_actor::behavior_type
metadata_keeper(metadata_keeper_actor::stateful_pointer<metadata_keeper_state> self,
                node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&metadata_keeper_state::on_put_overrides>(self),
    on<&metadata_keeper_state::on_create_service>(self),
    on<&metadata_keeper_state::on_update_service>(self),
    on<&metadata_keeper_state::on_service_ended>(self),
    on<&metadata_keeper_state::on_put_namespace>(self),
    on<&metadata_keeper_state::on_delete_namespace>(self),
    on<&metadata_keeper_state::on_set_switch>(self),
    on<&metadata_keeper_state::on_tick>(self),
    on_status(self),
  };
}

} // namespace nacre
