#include "actors/naming/service.hpp"

#include <algorithm>
#include <set>

#include <spdlog/spdlog.h>

#include "actors/distro/cluster_context.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// A restarted service asks shards that did not answer again after this time.
constexpr auto rebuild_retry = 200ms;

/// Below the 3 s that SDKs wait for an answer.
constexpr auto first_list_patience = 2s;

} // namespace

void service_state::start(node_context_ptr ctx, service_ref service) {
  context = std::move(ctx);
  table.emplace(service, context->next_ref_time());
  if (is_restart(birth)) {
    rebuild = std::make_unique<rebuilding>();
    rebuild->heard.resize(context->actors.shards.size());
    rebuild->last_view = context->tables.directory.find(service->view());
    if (auto& last = rebuild->last_view) {
      table->continue_after(*last);
      take_connection_rows(*last);
      counted_instances = last->instances;
      counted_subscribers = last->subscribers.size();
      present = !last->publications.empty();
    }
  }
  load_stored();
  if (rebuild)
    ask_silent_shards();
  else
    publish_view();
}

bool service_state::load_stored() {
  auto key = table->key()->view();
  return table->set_stored(context->tables.store.overrides(key),
                           context->tables.store.metadata(key), context->next_ref_time());
}

void service_state::publish_view() {
  context->tables.directory.publish(table->make_view());
  bool now_present = !table->publications().empty();
  if (std::exchange(present, now_present) != now_present)
    self->send(context->actors.fuzzy_watch.get(), presence_changed{table->key(), now_present});
  if (now_present)
    on_release_first_lists({});
  auto count = [](gauge& total, std::size_t& counted, std::size_t now) {
    if (now != counted)
      total += static_cast<std::int64_t>(now) - static_cast<std::int64_t>(counted);
    counted = now;
  };
  count(context->counters.instances, counted_instances, table->instances());
  count(context->counters.subscribers, counted_subscribers, table->subscribers().size());
}

void service_state::finish_change(bool visible, const ticket_ptr& answer) {
  if (visible && !rebuild) {
    publish_view();
    if (!table->subscribers().empty())
      self->send(context->actors.push_engine.get(), service_changed{table->key()});
  }
  complete_when_rebuilt(answer);
}

void service_state::complete_when_rebuilt(const ticket_ptr& answer) {
  if (rebuild && answer)
    rebuild->waiting.push_back(answer);
  else
    complete(answer);
}

void service_state::complete_when_listed(const ticket_ptr& answer) {
  if (!answer || rebuild || present || !context->warming_up(context->clock.steady()))
    return complete_when_rebuilt(answer);
  if (first_lists.empty())
    self->delayed_send(self, first_list_patience, release_first_lists{});
  first_lists.push_back(answer);
}

void service_state::on_release_first_lists(const release_first_lists&) {
  for (auto& answer : std::exchange(first_lists, {}))
    complete(answer);
}

/// Only ephemeral instances can be the wrong ones.
void service_state::on_conflict(const client_register_service& msg) {
  refuse(msg.what);
  complete(msg.answer, {ec::kind_conflict, kind_conflict_text(table->key()->grouped_name(), true)});
  note_use();
}

void service_state::remember(change_kind what, const change_cause& cause, const lease_ptr& who) {
  context->tables.history.add(table->key(),
                              {context->clock.wall(), who, cause.by, what, cause.why});
}

void service_state::on_publish(const client_register_service& msg) {
  if (!msg.what->ephemeral() && table->kind() == service_kind::ephemeral)
    become_persistent();
  auto done = table->publish(msg.what, context->next_ref_time(), msg.before);
  if (done == publish_result::conflict)
    return on_conflict(msg);
  if (done != publish_result::unchanged) {
    bool healthy = msg.what->healthy();
    bool flipped = done.before && done.before->healthy() != healthy;
    remember(done == publish_result::added ? change_kind::registered
             : !flipped                    ? change_kind::updated
             : healthy                     ? change_kind::healthy
                                           : change_kind::unhealthy,
             msg.cause, msg.what->lease);
  }
  finish_change(done != publish_result::unchanged, msg.answer);
  if (done != publish_result::unchanged)
    end_superseded(*msg.what);
}

void service_state::end_superseded(const publication& x) {
  if (!context->cluster || !is_connection(x.lease->client.kind))
    return;
  auto& cluster = *context->cluster;
  auto view = cluster.now();
  if (!view->some_owner_died())
    return;
  auto is_dead = [&](const client_id& client) {
    auto known = cluster.replicas.find(client, table->key()->view());
    return known && known->owner && !view->is_alive(*known->owner);
  };
  if (is_dead(x.lease->client))
    return;
  publication_addresses addresses(x);
  table->publications().for_each([&](const publication_ptr& y) {
    auto& client = y->lease->client;
    if (client.kind == client_kind::remote_connection && y->lease != x.lease && addresses.meet(*y)
        && is_dead(client))
      self->send(context->shard(client), connection_superseded{y->lease});
  });
}

/// What all nodes agreed on takes the service from what one of them took meanwhile.
void service_state::become_persistent() {
  auto ended = table->become_persistent(context->next_ref_time());
  if (ended.empty())
    return;
  spdlog::warn("service-becomes-persistent {}: {} clients with ephemeral instances lose them",
               table->key()->full_name(), ended.size());
  for (auto& x : ended) {
    remember(change_kind::removed, {change_reason::persistent_agreed}, x->lease);
    refuse(x);
  }
}

void service_state::refuse(const publication_ptr& x) {
  auto& client = x->lease->client;
  if (client.kind != client_kind::connection)
    self->send(context->shard(client), publish_refused{x});
  else if (auto owner = context->tables.connections.find(client.ip))
    self->send(owner->actor.get(), publish_refused{x});
}

void service_state::on_withdraw(const client_deregister_service& msg) {
  // Only what this lease published: a successor of the same address stays.
  auto known = table->publications().find(msg.lease->client);
  if (!known || (*known)->lease != msg.lease)
    return finish_change(false, msg.answer);
  table->withdraw(msg.lease->client, context->next_ref_time());
  remember(change_kind::removed, msg.cause, msg.lease);
  finish_change(true, msg.answer);
  note_use();
}

void service_state::on_subscribe(const client_subscribe_service& msg) {
  bool known = table->subscribers().find(msg.who->lease->client) != nullptr;
  bool changed = table->subscribe(msg.who);
  // The client may come from a node of the cluster that told it a later time than this list has,
  // and would ignore the list.
  if (!known && context->cluster && msg.who->lease->client.kind == client_kind::connection)
    table->show_as_of(context->next_ref_time());
  if (changed && !known)
    remember(change_kind::subscribed, {}, msg.who->lease);
  if (changed && !rebuild) {
    publish_view();
    self->send(context->actors.push_engine.get(), service_subscribed{msg.who});
  }
  complete_when_listed(msg.answer);
}

void service_state::on_unsubscribe(const client_unsubscribe_service& msg) {
  auto known = table->subscribers().find(msg.lease->client);
  if (!known || (*known)->lease != msg.lease)
    return complete_when_rebuilt(msg.answer);
  table->unsubscribe(msg.lease->client);
  remember(change_kind::unsubscribed, msg.cause, msg.lease);
  if (!rebuild)
    publish_view();
  complete_when_rebuilt(msg.answer);
  note_use();
}

void service_state::on_metadata_changed(const service_metadata_changed& msg) {
  bool visible = load_stored();
  if (msg.create_ephemeral) {
    table->create(*msg.create_ephemeral, context->next_ref_time());
    visible = true;
  }
  finish_change(visible, msg.answer);
  note_use();
}

void service_state::on_overrides_changed(const instance_metadata_changed& msg) {
  finish_change(load_stored(), msg.answer);
  note_use();
}

void service_state::on_delete(const delete_service& msg) {
  load_stored(); // what was stored has gone before
  auto grouped = table->key()->grouped_name();
  if (!table->listed())
    return complete(msg.answer, {ec::service_not_found, service_not_found_text(grouped)});
  if (!table->publications().empty())
    return complete(msg.answer, {ec::service_not_empty, not_empty_text(grouped)});
  table->unlist(context->next_ref_time());
  finish_change(true, msg.answer);
  note_use();
}

void service_state::on_shard_asks_rows(const shard_asks_rows& msg) {
  service_gives_rows answer;
  answer.attempt = msg.attempt;
  auto of_shard = [&](const client_id& client) {
    return client.kind != client_kind::connection && context->shard_of(client) == msg.shard;
  };
  auto collect = [&](const publication_set& publications, const subscriber_set& subscribers) {
    publications.for_each([&](auto& x) {
      if (of_shard(x->lease->client))
        answer.publications.push_back(x);
    });
    subscribers.for_each([&](auto& x) {
      if (of_shard(x->lease->client))
        answer.subscribers.push_back(x);
    });
  };
  // While rebuilding, the last view knows more than the table; what came since is newer.
  if (rebuild && rebuild->last_view)
    collect(rebuild->last_view->publications, rebuild->last_view->subscribers);
  collect(table->publications(), table->subscribers());
  self->send(context->actors.shards[msg.shard].get(), std::move(answer));
}

void service_state::on_shard_gives_rows(const shard_gives_rows& msg) {
  if (!rebuild || rebuild->heard[msg.shard])
    return;
  rebuild->heard[msg.shard] = true;
  for (auto& x : msg.publications)
    table->publish(x, context->next_ref_time());
  for (auto& x : msg.subscribers)
    table->subscribe(x);
  if (std::find(rebuild->heard.begin(), rebuild->heard.end(), false) == rebuild->heard.end())
    finish_rebuilding();
}

void service_state::ask_silent_shards() {
  for (std::size_t i = 0; i < rebuild->heard.size(); ++i)
    if (!rebuild->heard[i])
      self->send(context->actors.shards[i].get(), service_asks_rows{table->key()});
  self->delayed_send(self, rebuild_retry, caf::tick_atom_v);
}

void service_state::take_connection_rows(const service_view& last) {
  auto of_connection = [](auto& x) { return x->lease->client.kind == client_kind::connection; };
  last.publications.for_each([&](const publication_ptr& x) {
    if (of_connection(x))
      table->publish(x, context->next_ref_time());
  });
  last.subscribers.for_each([&](const subscriber_ptr& x) {
    if (of_connection(x))
      table->subscribe(x);
  });
}

void service_state::reconcile_connections() {
  // A connection leaves the table before it takes back what it held, and this actor is in its
  // predecessor's place by now: what a connection took back there is seen here.
  std::set<client_id> gone;
  auto check = [&](auto& x) {
    auto& client = x->lease->client;
    if (client.kind == client_kind::connection && !context->tables.connections.find(client.ip))
      gone.insert(client);
  };
  table->publications().for_each(check);
  table->subscribers().for_each(check);
  for (auto& client : gone)
    drop_connection(client);
  context->tables.connections.for_each([this](const connection_ptr& x) { send_check(*x); });
}

void service_state::drop_connection(const client_id& client) {
  if (auto published = table->withdraw(client, context->next_ref_time()))
    remember(change_kind::removed, {change_reason::connection_closed}, published->lease);
  table->unsubscribe(client);
}

void service_state::send_check(const connection& x) {
  client_id client{x.info.id, 0, client_kind::connection};
  auto published = table->publications().find(client);
  auto subscribed = table->subscribers().find(client);
  self->send(x.actor.get(),
             confirm_connection{table->key(), published ? (*published)->lease : nullptr,
                                subscribed ? (*subscribed)->lease : nullptr});
}

void service_state::on_verify_connection(const verify_connection& msg) {
  if (rebuild)
    return; // compared with all connections when it is done
  client_id client{msg.connection_id, 0, client_kind::connection};
  if (auto x = context->tables.connections.find(msg.connection_id))
    return send_check(*x);
  bool published = table->publications().find(client) != nullptr;
  if (!published && !table->subscribers().find(client))
    return;
  drop_connection(client);
  finish_change(true, nullptr);
  note_use();
}

void service_state::finish_rebuilding() {
  reconcile_connections();
  auto done = std::move(rebuild);
  remember(change_kind::rebuilt, {change_reason::restart}, nullptr);
  finish_change(true, nullptr);
  for (auto& answer : done->waiting)
    complete(answer);
  note_use();
}

void service_state::note_use() {
  empty_since = context->clock.steady();
  if (end_watched || rebuild || !table->publications().empty())
    return;
  end_watched = true;
  self->delayed_send(self, context->options.cleaning.empty_service_expired, caf::tick_atom_v);
}

void service_state::on_tick(const caf::tick_atom&) {
  if (rebuild)
    return ask_silent_shards();
  end_watched = false;
  if (!table->publications().empty())
    return;
  auto left =
    empty_since + context->options.cleaning.empty_service_expired - context->clock.steady();
  if (left > 0ms) {
    end_watched = true;
    self->delayed_send(self, left, caf::tick_atom_v);
    return;
  }
  if (table->metadata())
    return; // an operator wants it to be there
  if (table->listed()) {
    table->unlist(context->next_ref_time());
    publish_view();
  }
  if (table->subscribers().empty())
    retire();
}

void service_state::retire() {
  // Nobody can send through the directory while the condition is looked at, so an empty mailbox
  // means that no publication is lost.
  bool ended = context->tables.directory.remove_if(table->key()->view(),
                                                   [this] { return self->mailbox().empty(); });
  if (ended)
    self->quit();
  else
    note_use();
}

std::string service_state::summary() const {
  return std::to_string(table->instances()) + " instances, "
         + std::to_string(table->subscribers().size()) + " subscribers, revision "
         + std::to_string(table->revision()) + (rebuild ? ", rebuilding" : "");
}

void service_state::details(json_writer& out) const {
  out.field("namespaceId", table->key()->namespace_id)
    .field("groupName", table->key()->group)
    .field("name", table->key()->name)
    .field("revision", table->revision())
    .field("listed", table->listed())
    .field("ephemeral", table->kind() == service_kind::ephemeral);
  auto now = context->clock.steady();
  out.key("publishers").begin_array();
  table->publications().for_each([&](const publication_ptr& x) {
    out.begin_object()
      .field("clientId", x->lease->client.to_string())
      .field("instances", x->instances.size())
      .field("healthy", x->healthy());
    if (!x->instances.empty())
      out.field("cluster", x->instances.front().cluster_name);
    if (x->lease->client.kind == client_kind::ephemeral)
      out.field("lastBeatAgoMs", to_ms(now - x->lease->renewed.load()));
    out.end_object();
  });
  out.end_array().key("subscribers").begin_array();
  table->subscribers().for_each([&](const subscriber_ptr& x) {
    out.begin_object()
      .field("clientId", x->lease->client.to_string())
      .field("clusters", x->clusters.back())
      .field("app", x->app)
      .field("agent", x->agent)
      .end_object();
  });
  out.end_array();
}

service_actor::behavior_type service(service_actor::stateful_pointer<service_state> self,
                                     node_context_ptr context, service_ref key, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context), std::move(key));
  using state = service_state;
  return lean_lines<&state::on_publish, &state::on_withdraw, &state::on_subscribe,
                    &state::on_unsubscribe, &state::on_metadata_changed,
                    &state::on_overrides_changed, &state::on_delete, &state::on_release_first_lists,
                    &state::on_shard_asks_rows, &state::on_verify_connection,
                    &state::on_shard_gives_rows, &state::on_tick>(self);
}

} // namespace nacre
