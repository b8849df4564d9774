#include "actors/naming/metadata_keeper.hpp"

#include <algorithm>
#include <set>

#include <spdlog/spdlog.h>

#include "actors/base/countdown.hpp"
#include "actors/distro/cluster_context.hpp"
#include "actors/naming/service.hpp"
#include "config/config_error.hpp"
#include "protocol/override_change.hpp"
#include "protocol/text.hpp"

namespace nacre {

using agreed::name_of;

namespace {

/// Of what was agreed on, this much is shown at once: a millisecond's work; at the start nobody
/// waits for anything else.
constexpr std::size_t part_size = 200;
constexpr std::size_t part_size_at_start = 10'000;

/// Overrides of one service that end with one tick: they are agreed on at once.
constexpr std::size_t expired_at_once_max = 10'000;

} // namespace

void metadata_keeper_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  if (auto store = context->actors.store.get(); store && is_restart(birth))
    self->send(store, agreed_state_wanted{});
  self->delayed_send(self, context->options.cleaning.expired_metadata_interval, caf::tick_atom_v);
}

void metadata_keeper_state::propose_if(outcome checked, agreed::command command, ticket_ptr answer,
                                       std::string by) {
  if (!checked.ok())
    return complete(answer, std::move(checked));
  send_to_store(propose{std::move(command), std::move(by), std::move(answer)});
}

void metadata_keeper_state::send_to_store(propose what) {
  if (auto store = context->actors.store.get())
    self->send(store, std::move(what));
  else
    complete(what.answer, {ec::unavailable, "the store of this node begins, try again"});
}

// -- overrides of instances ----------------------------------------------------------------------

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

outcome metadata_keeper_state::check_overrides(const put_overrides& msg) const {
  if (!context->tables.directory.find_actor(msg.service->view()))
    return {ec::service_not_found, "service not found"};
  auto present = context->tables.store.overrides(msg.service->view());
  auto next = present ? *present : override_table();
  override_changes changes(msg.by, 0);
  override_ptr checked;
  for (auto& change : msg.changes) {
    auto known = next.find(change.metadata_id);
    auto content = changes.apply(change, known == next.end() ? nullptr : known->second);
    if (!content)
      continue;
    if (content != checked)
      if (auto complaint = context->checks.metadata(content->metadata))
        return {ec::illegal_value, *complaint};
    checked = content;
    next[change.metadata_id] = std::move(content);
  }
  if (next.size() > context->options.limits.instances_max)
    return {ec::limit_reached, "too many overrides of one service"};
  return check_stored(msg.service, present ? bytes_of(*present) : 0, bytes_of(next));
}

void metadata_keeper_state::on_put_overrides(put_overrides& msg) {
  auto checked = check_overrides(msg);
  propose_if(std::move(checked),
             agreed::put_overrides{name_of(*msg.service), std::move(msg.changes)},
             std::move(msg.answer), std::move(msg.by));
}

void metadata_keeper_state::show(const agreed::overrides_changed& x, const ticket_ptr& answer,
                                 const std::string&) {
  auto service = ref_of(x.service);
  context->tables.store.set_overrides(service, x.now);
  tell_service(service, instance_metadata_changed{answer});
}

/// Those of instances that are gone for long.
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
  agreed::expire_overrides command{name_of(*service), {}};
  for (auto& [id, content] : *overrides) {
    auto mark = std::pair(service, id);
    if (present.count(id) != 0)
      absent_since.erase(mark);
    else if (now - absent_since.try_emplace(mark, now).first->second >= expired
             && command.marks.size() < expired_at_once_max)
      command.marks.push_back({id, content->set_ms});
  }
  if (!command.marks.empty())
    send_to_store({std::move(command), {}, nullptr, true});
}

/// Each with who set it, when, and until when it holds: as long as its instance is there, and a
/// while longer.
void metadata_keeper_state::on_describe_overrides(const describe_overrides& msg) {
  auto& store = context->tables.store;
  auto services = msg.service ? std::vector{msg.service} : store.overridden_services();
  std::sort(services.begin(), services.end()); // pages fit together
  std::size_t found = 0;
  json_writer out;
  out.begin_object().key("overrides").begin_array();
  for (auto& service : services) {
    auto overrides = store.overrides(service->view());
    if (!overrides)
      continue;
    auto number = found;
    found += overrides->size();
    if (found <= msg.offset || number >= msg.offset + msg.limit)
      continue;
    for (auto& [id, x] : *overrides) {
      bool is_wanted = number >= msg.offset && number < msg.offset + msg.limit;
      ++number;
      if (!is_wanted)
        continue;
      out.begin_object()
        .field("namespaceId", service->namespace_id)
        .field("service", service->grouped_name())
        .field("instance", id)
        .field("weight", x->weight)
        .field("enabled", x->enabled)
        .key("metadata");
      write(out, x->metadata);
      out.field("setBy", x->set_by).field("setAt", x->set_ms);
      if (auto absent = absent_since.find({service, id}); absent != absent_since.end())
        out.field("holdsUntil",
                  to_ms(context->clock.wall(absent->second
                                            + context->options.cleaning.expired_metadata_expired)));
      else
        out.null_field("holdsUntil"); // its instance is there
      out.end_object();
    }
  }
  out.end_array().field("found", found).end_object();
  complete(msg.answer, {ec::none, out.take()});
}

void metadata_keeper_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, context->options.cleaning.expired_metadata_interval, caf::tick_atom_v);
  if (context->cluster && !context->cluster->serves())
    return absent_since.clear(); // what is elsewhere is not known here
  for (auto& service : context->tables.store.overridden_services())
    expire_overrides(service);
  // Marks of overrides that ended otherwise, with their service.
  std::erase_if(absent_since, [this](const auto& mark) {
    auto overrides = context->tables.store.overrides(mark.first.first->view());
    return !overrides || overrides->count(mark.first.second) == 0;
  });
}

// -- persistent instances ------------------------------------------------------------------------

outcome metadata_keeper_state::check_instance(const register_instance& msg) const {
  auto view = context->tables.directory.find(msg.service->view());
  if (view && view->kind == service_kind::ephemeral)
    return {ec::kind_conflict, kind_conflict_text(msg.service->grouped_name(), false)};
  if (!view && context->tables.directory.size() >= context->options.limits.services_max)
    return services_limit_reached(*context);
  auto known = view ? view->publications.find(msg.client) : nullptr;
  return admit_instances(*context, known ? known->get() : nullptr, {msg.what});
}

void metadata_keeper_state::on_register(register_instance& msg) {
  auto checked = check_instance(msg);
  propose_if(std::move(checked), agreed::put_instance{name_of(*msg.service), std::move(msg.what)},
             std::move(msg.answer), msg.cause.by ? *msg.cause.by : std::string());
}

void metadata_keeper_state::on_deregister(deregister_instance& msg) {
  propose_if({},
             agreed::remove_instance{name_of(*msg.service), msg.client.ip.str(), msg.client.port},
             std::move(msg.answer), msg.cause.by ? *msg.cause.by : std::string());
}

namespace {

change_cause cause_of(const std::string& by) {
  return {change_reason::request, by.empty() ? nullptr : std::make_shared<const std::string>(by)};
}

} // namespace

void metadata_keeper_state::show(const agreed::instance_put& x, const ticket_ptr& answer,
                                 const std::string& by) {
  client_id client{x.now->ip, x.now->port, client_kind::persistent};
  auto service = ref_of(x.service);
  if (auto health = context->actors.health.get())
    self->send(health, instance_shown{service, client, x.now->cluster_name, x.unhealthy_since_ms});
  auto cause = x.checked ? change_cause{change_reason::probe} : cause_of(by);
  self->send(context->shard(client),
             register_instance{service, client, *x.now, std::move(cause), answer});
}

void metadata_keeper_state::show(const agreed::instance_removed& x, const ticket_ptr& answer,
                                 const std::string& by) {
  client_id client{x.ip, x.port, client_kind::persistent};
  auto service = ref_of(x.service);
  if (auto health = context->actors.health.get())
    self->send(health, instance_taken{service, client});
  self->send(context->shard(client), deregister_instance{service, client, cause_of(by), answer});
}

void metadata_keeper_state::on_put_health(put_health& msg) {
  propose_if({}, agreed::set_health{name_of(*msg.service), msg.ip, msg.port, msg.healthy},
             std::move(msg.answer), std::move(msg.by));
}

// -- services ------------------------------------------------------------------------------------

void metadata_keeper_state::on_create_service(create_service& msg) {
  auto check = [&]() -> outcome {
    auto key = msg.service->view();
    auto view = context->tables.directory.find(key);
    if (view && view->listed)
      return {ec::service_exists, service_exists_text(msg.service->grouped_name())};
    if (!view && context->tables.directory.size() >= context->options.limits.services_max)
      return services_limit_reached(*context);
    auto stored = context->tables.store.metadata(key);
    return check_stored(msg.service, stored ? bytes_of(*stored) : 0, bytes_of(msg.metadata));
  };
  propose_if(check(), agreed::create_service{name_of(*msg.service), std::move(msg.metadata)},
             std::move(msg.answer));
}

outcome metadata_keeper_state::check_settings(const service_ref& service,
                                              const service_metadata& next) const {
  auto view = context->tables.directory.find(service->view());
  if (!view || !view->listed)
    return {ec::service_not_found, service_not_found_text(service->grouped_name())};
  auto present = context->tables.store.metadata(service->view());
  return check_stored(service, present ? bytes_of(*present) : 0, bytes_of(next));
}

void metadata_keeper_state::on_update_service(update_service& msg) {
  auto next = std::move(msg.settings);
  if (auto present = context->tables.store.metadata(msg.service->view())) {
    next.ephemeral = present->ephemeral;
    next.clusters = present->clusters;
  } else if (auto view = context->tables.directory.find(msg.service->view())) {
    next.ephemeral = view->kind == service_kind::ephemeral;
  }
  auto checked = check_settings(msg.service, next);
  next.clusters.clear(); // those that are there when it takes effect stay
  propose_if(std::move(checked), agreed::update_service{name_of(*msg.service), std::move(next)},
             std::move(msg.answer));
}

void metadata_keeper_state::on_put_cluster(put_cluster& msg) {
  auto view = context->tables.directory.find(msg.service->view());
  bool ephemeral = view && view->kind == service_kind::ephemeral;
  auto present = context->tables.store.metadata(msg.service->view());
  auto next = present ? *present : service_metadata();
  auto& settings = next.clusters[msg.cluster];
  if (msg.settings.checker.password == masked_password)
    msg.settings.checker.password = settings.checker.password;
  settings = msg.settings;
  propose_if(check_settings(msg.service, next),
             agreed::put_cluster{name_of(*msg.service), ephemeral, std::move(msg.cluster),
                                 std::move(msg.settings)},
             std::move(msg.answer));
}

void metadata_keeper_state::show(const agreed::metadata_changed& x, const ticket_ptr& answer,
                                 const std::string&) {
  auto service = ref_of(x.service);
  context->tables.store.set_metadata(service, x.now);
  if (!x.created)
    return tell_service(service, service_metadata_changed{std::nullopt, answer});
  bool sent =
    send_to_service(self, context, service, service_metadata_changed{x.now->ephemeral, answer});
  if (!sent)
    complete(answer, services_limit_reached(*context));
}

void metadata_keeper_state::on_remove_service(remove_service& msg) {
  auto view = context->tables.directory.find(msg.service->view());
  if (!context->disk) // there is nothing stored that all would have to forget
    return tell_service(msg.service, delete_service{std::move(msg.answer)});
  auto check = [&]() -> outcome {
    if (!view || !view->listed)
      return {ec::service_not_found, service_not_found_text(msg.service->grouped_name())};
    if (!view->publications.empty())
      return {ec::service_not_empty, not_empty_text(msg.service->grouped_name())};
    return {};
  };
  propose_if(check(), agreed::remove_service{name_of(*msg.service)}, std::move(msg.answer));
}

void metadata_keeper_state::show(const agreed::service_removed& x, const ticket_ptr& answer,
                                 const std::string&) {
  auto service = ref_of(x.service);
  context->tables.store.set_overrides(service, nullptr);
  context->tables.store.set_metadata(service, nullptr);
  tell_service(service, delete_service{answer});
}

// -- namespaces and switches ---------------------------------------------------------------------

void metadata_keeper_state::on_put_namespace(put_namespace& msg) {
  auto& store = context->tables.store;
  bool full = !store.find_namespace(msg.record.id)
              && store.namespaces_count() >= context->options.limits.namespaces_max;
  outcome checked;
  if (full && !msg.must_exist)
    checked = {ec::limit_reached, "this node holds as many namespaces as it may"};
  propose_if(std::move(checked), agreed::put_namespace{std::move(msg.record), msg.must_exist},
             std::move(msg.answer));
}

void metadata_keeper_state::on_delete_namespace(delete_namespace& msg) {
  propose_if({}, agreed::remove_namespace{std::move(msg.id)}, std::move(msg.answer));
}

void metadata_keeper_state::show(const agreed::namespace_put& x, const ticket_ptr& answer,
                                 const std::string&) {
  context->tables.store.set_namespace(x.now);
  complete(answer);
}

void metadata_keeper_state::show(const agreed::namespace_removed& x, const ticket_ptr& answer,
                                 const std::string&) {
  context->tables.store.remove_namespace(x.id);
  complete(answer);
}

void metadata_keeper_state::on_set_switch(set_switch& msg) {
  spdlog::info("switch-set {}", printable(shortened(msg.entry, 64)));
  // Tried here before it is agreed on: what is refused need not be kept in the log of all nodes.
  auto next = std::make_shared<switch_domain>(*context->tables.store.switches());
  if (auto complaint = next->set(msg.entry, msg.value))
    return complete(msg.answer, {ec::illegal_value, std::move(*complaint)});
  if (!msg.here_only)
    return propose_if({}, agreed::set_switch{std::move(msg.entry), std::move(msg.value)},
                      std::move(msg.answer));
  context->tables.store.set_switches(std::move(next));
  complete(msg.answer);
}

void metadata_keeper_state::show(const agreed::switches_changed& x, const ticket_ptr& answer,
                                 const std::string&) {
  context->tables.store.set_switches(x.now);
  complete(answer);
}

// -- what was agreed on --------------------------------------------------------------------------

service_ref metadata_keeper_state::ref_of(const agreed::service_name& x) const {
  return context->tables.directory.shared_key(x.view());
}

template <class Event>
void metadata_keeper_state::tell_service(const service_ref& service, Event event) {
  auto answer = event.answer;
  bool found = context->tables.directory.with_actor(
    service, [] { return service_actor{}; },
    [&](const service_actor& target) { self->send(target, std::move(event)); });
  if (!found)
    complete(answer);
}

namespace {

/// Goes with what somebody here asked for: completes for him, and is also released as one that all
/// readers wait for.
class shown_ticket final : public ticket {
public:
  shown_ticket(ticket_ptr answer, ticket_ptr seen)
    : answer_(std::move(answer)), seen_(std::move(seen)) {}
  ~shown_ticket() override { complete_if_dropped(); }

private:
  void deliver(outcome result) override { nacre::complete(answer_, std::move(result)); }

  ticket_ptr answer_;
  ticket_ptr seen_;
};

/// What a change is about: one takes the place of another if these are the same.
std::string subject_of(const agreed::change& x) {
  auto of_service = [](std::string_view kind, const agreed::service_name& service) {
    return std::string(kind) + '|' + service.namespace_id + '|' + service.group + '|'
           + service.name;
  };
  if (auto overrides = std::get_if<agreed::overrides_changed>(&x))
    return of_service("overrides", overrides->service);
  if (auto metadata = std::get_if<agreed::metadata_changed>(&x))
    return of_service("metadata", metadata->service);
  if (auto put = std::get_if<agreed::instance_put>(&x))
    return of_service(put->now->ip + ':' + std::to_string(put->now->port), put->service);
  if (auto removed = std::get_if<agreed::instance_removed>(&x))
    return of_service(removed->ip + ':' + std::to_string(removed->port), removed->service);
  if (auto record = std::get_if<agreed::namespace_put>(&x))
    return "namespace|" + record->now.id;
  if (auto removed = std::get_if<agreed::namespace_removed>(&x))
    return "namespace|" + removed->id;
  return {};
}

} // namespace

void metadata_keeper_state::on_agreed(agreed_on& msg) {
  shown_by = caf::actor_cast<store_actor>(self->current_sender());
  agreed_on before;
  if (msg.is_whole_state) {
    // It has what these did, who are answered when readers see it.
    for (auto& batch : to_show)
      for (auto& x : batch.effects)
        if (x.answer)
          before.effects.push_back({std::move(x.done), std::nullopt, {}, std::move(x.answer)});
    before.when_seen = msg.when_seen;
    to_show.clear();
  }
  to_show.push_back(std::move(msg));
  if (!before.effects.empty())
    to_show.push_back(std::move(before));
  show_part();
}

void metadata_keeper_state::show_part() {
  if (part_is_on_its_way || to_show.empty())
    return;
  part_is_on_its_way = true;
  auto& batch = to_show.front();
  if (std::exchange(batch.is_whole_state, false))
    stale = all_that_is_shown();
  auto keeper = caf::actor_cast<metadata_keeper_actor>(self);
  auto seen = std::make_shared<countdown>([keeper] { caf::anon_send(keeper, part_is_seen{}); });
  auto left = context->shows_agreed_state ? part_size : part_size_at_start;
  for (; left > 0 && !batch.effects.empty(); --left) {
    show_effect(batch.effects.front(), seen);
    batch.effects.pop_front();
  }
  if (batch.effects.empty())
    for (auto& [subject, end] : std::exchange(stale, {}))
      show_change(end, seen, {});
}

void metadata_keeper_state::show_effect(agreed_on::effect& x, const ticket_ptr& seen) {
  if (!x.change || !x.done.ok())
    return complete(x.answer, std::move(x.done));
  if (!stale.empty())
    stale.erase(subject_of(*x.change));
  show_change(*x.change,
              x.answer ? std::make_shared<shown_ticket>(std::move(x.answer), seen) : seen, x.by);
}

void metadata_keeper_state::show_change(const agreed::change& x, const ticket_ptr& answer,
                                        const std::string& by) {
  std::visit([&](auto& change) { show(change, answer, by); }, x);
}

void metadata_keeper_state::on_part_is_seen(const part_is_seen&) {
  part_is_on_its_way = false;
  auto& batch = to_show.front();
  if (batch.effects.empty() && !batch.is_whole_state) {
    self->send(shown_by, batch.when_seen);
    to_show.pop_front();
  }
  show_part();
}

/// What would take from readers all that they see, by what it is about.
std::map<std::string, agreed::change> metadata_keeper_state::all_that_is_shown() const {
  std::map<std::string, agreed::change> ends;
  auto add = [&](agreed::change end) { ends.emplace(subject_of(end), std::move(end)); };
  auto& store = context->tables.store;
  for (auto& service : store.services()) {
    if (store.overrides(service->view()))
      add(agreed::overrides_changed{name_of(*service), nullptr});
    if (store.metadata(service->view()))
      add(agreed::metadata_changed{name_of(*service), nullptr, false});
  }
  for (auto& x : store.namespaces())
    add(agreed::namespace_removed{x.id});
  if (context->counters.persistent_clients == 0)
    return ends;
  context->tables.directory.for_each(
    [&](const service_ref& service, const service_actor&, const service_view_ptr& view) {
      if (view && view->kind == service_kind::persistent)
        view->publications.for_each([&](const publication_ptr& x) {
          auto& client = x->lease->client;
          add(agreed::instance_removed{name_of(*service), client.ip.str(), client.port});
        });
    });
  return ends;
}

// -- status --------------------------------------------------------------------------------------

std::string metadata_keeper_state::summary() const {
  return std::to_string(context->tables.store.overridden_services().size())
         + " services with overrides, " + std::to_string(context->tables.store.namespaces_count())
         + " namespaces";
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
    on<&metadata_keeper_state::on_describe_overrides>(self),
    on<&metadata_keeper_state::on_register>(self),
    on<&metadata_keeper_state::on_deregister>(self),
    on<&metadata_keeper_state::on_put_health>(self),
    on<&metadata_keeper_state::on_create_service>(self),
    on<&metadata_keeper_state::on_update_service>(self),
    on<&metadata_keeper_state::on_put_cluster>(self),
    on<&metadata_keeper_state::on_remove_service>(self),
    on<&metadata_keeper_state::on_put_namespace>(self),
    on<&metadata_keeper_state::on_delete_namespace>(self),
    on<&metadata_keeper_state::on_set_switch>(self),
    on<&metadata_keeper_state::on_agreed>(self),
    on<&metadata_keeper_state::on_part_is_seen>(self),
    on<&metadata_keeper_state::on_tick>(self),
    on_status(self),
  };
}

} // namespace nacre
