#include "actors/connections/connection_client.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/naming/service.hpp"
#include "actors/tables/service_info.hpp"
#include "protocol/naming_response.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// Timers fire at most this much late, so that many pushes share one.
constexpr milliseconds tick_grain{200};

/// How long a client that is sent elsewhere has for leaving by itself.
constexpr milliseconds reset_grace{3'000};

/// SDKs are heard at least every 5 s.
constexpr milliseconds isolated_after{10'000};

} // namespace

void connection_client_state::start(node_context_ptr ctx, connection_ptr x) {
  context = std::move(ctx);
  connection = std::move(x);
  records.emplace(self, *context);
  auto& opts = context->options.connections;
  pushes.emplace(opts.push_ack_timeout, opts.push_retry_delay);
  notices.emplace(opts.push_ack_timeout, opts.push_retry_delay);
  connection->actor.set(caf::actor_cast<connection_client_actor>(self));
  arm(context->clock.steady() + opts.detect_after);
  if (!is_restart(birth))
    return;
  send_all_rows();
  // Messages in the failed actor's mailbox are lost.
  if (connection->ended)
    self->send(self, client_disconnected{change_reason::connection_closed});
}

lease_ptr connection_client_state::new_lease(const service_ref& service) {
  client_id id{connection->info.id, 0, client_kind::connection};
  return make_lease(context->tables.directory.shared_key(service->view()), std::move(id),
                    context->clock.steady());
}

bool connection_client_state::send_publish(const publication_ptr& x, change_cause cause,
                                           ticket_ptr answer, publication_ptr before) {
  return send_to_service(
    self, context, x->lease->service,
    client_register_service{x, std::move(cause), std::move(answer), std::move(before)});
}

void connection_client_state::on_publish(publish_instances& msg) {
  auto& known = connection->rows.publications[msg.service];
  if (auto admitted = admit_instances(*context, known.get(), msg.instances); !admitted.ok()) {
    if (!known)
      connection->rows.publications.erase(msg.service);
    return complete(msg.answer, std::move(admitted));
  }
  auto lease = known ? known->lease : new_lease(msg.service);
  auto x = make_publication(lease, std::move(msg.instances));
  auto before = std::exchange(known, x);
  auto answer = msg.answer;
  if (send_publish(x, {change_reason::request}, std::move(msg.answer), before)) {
    if (!before || !same_publication(*before, *x))
      records->changed(x);
    return;
  }
  if (before)
    known = before;
  else
    connection->rows.publications.erase(msg.service);
  complete(answer, services_limit_reached(*context));
}

void connection_client_state::on_withdraw(const withdraw_instances& msg) {
  auto i = connection->rows.publications.find(msg.service);
  if (i == connection->rows.publications.end())
    return complete(msg.answer); // it is not there, which was wanted
  auto lease = i->second->lease;
  send_to_service(self, context, msg.service,
                  client_deregister_service{lease, {change_reason::request}, msg.answer});
  connection->rows.publications.erase(i);
  records->ended(lease, record_state::removed);
}

void connection_client_state::on_subscribe(const subscribe_service& msg) {
  auto i = connection->rows.subscriptions.find(msg.service);
  auto known = i == connection->rows.subscriptions.end() ? nullptr : i->second;
  if (auto admitted = admit_subscription(*context, known.get(), msg.clusters); !admitted.ok())
    return complete(msg.answer, std::move(admitted));
  auto clusters = with_selection(known.get(), msg.clusters);
  if (known && clusters.front() != known->clusters.front())
    pushes->forget({msg.service, known->clusters.front()}); // it made room
  auto lease = known ? known->lease : new_lease(msg.service);
  subscriber_ptr x(new subscriber(lease, std::move(clusters), msg.app,
                                  connection->info.client_version, connection->info.client_ip));
  if (send_to_service(self, context, msg.service, client_subscribe_service{x, msg.answer}))
    connection->rows.subscriptions[msg.service] = x;
  else
    complete(msg.answer, services_limit_reached(*context));
}

void connection_client_state::on_unsubscribe(const unsubscribe_service& msg) {
  auto i = connection->rows.subscriptions.find(msg.service);
  if (i == connection->rows.subscriptions.end())
    return complete(msg.answer);
  auto known = i->second;
  // One of several selections ends alone; otherwise all end, whatever is named.
  auto left = known->clusters;
  std::erase(left, msg.clusters);
  if (!left.empty() && left.size() < known->clusters.size()) {
    pushes->forget({msg.service, msg.clusters});
    i->second =
      new subscriber(known->lease, std::move(left), known->app, known->agent, known->client_ip);
    send_to_service(self, context, msg.service, client_subscribe_service{i->second, msg.answer});
    return;
  }
  for (auto& clusters : known->clusters)
    pushes->forget({msg.service, clusters});
  send_to_service(self, context, msg.service,
                  client_unsubscribe_service{known->lease, {change_reason::request}, msg.answer});
  connection->rows.subscriptions.erase(i);
}

void connection_client_state::on_refused(const publish_refused& msg) {
  auto i = connection->rows.publications.find(msg.what->lease->service);
  if (i == connection->rows.publications.end() || i->second != msg.what)
    return;
  connection->rows.publications.erase(i);
  records->ended(msg.what->lease, record_state::removed);
}

void connection_client_state::on_confirm_connection(const confirm_connection& msg) {
  auto published = connection->rows.publications.find(msg.service);
  if (published != connection->rows.publications.end())
    send_publish(published->second, {change_reason::restart}, nullptr);
  else if (msg.published)
    send_to_service(self, context, msg.service,
                    client_deregister_service{msg.published, {change_reason::request}, nullptr});
  auto subscribed = connection->rows.subscriptions.find(msg.service);
  if (subscribed != connection->rows.subscriptions.end())
    send_to_service(self, context, msg.service, client_subscribe_service{subscribed->second});
  else if (msg.subscribed)
    send_to_service(self, context, msg.service,
                    client_unsubscribe_service{msg.subscribed, {change_reason::request}});
}

void connection_client_state::verify_with_services() {
  context->tables.directory.for_each(
    [this](const service_ref&, const service_actor& actor, const service_view_ptr&) {
      self->send(actor, verify_connection{connection->info.id});
    });
}

void connection_client_state::send_all_rows() {
  for (auto& [service, x] : connection->rows.publications) {
    send_publish(x, {change_reason::restart}, nullptr);
    records->changed(x);
  }
  for (auto& [service, x] : connection->rows.subscriptions) {
    send_to_service(self, context, service, client_subscribe_service{x});
    if (auto view = context->tables.directory.find(service->view()))
      self->send(self, view_push{view, context->clock.steady()});
  }
  verify_with_services();
  on_fuzzy_watch_restarted({});
}

// -- pushes --------------------------------------------------------------------------------------

void connection_client_state::on_push(const view_push& msg) {
  auto i = connection->rows.subscriptions.find(msg.view->key);
  if (i == connection->rows.subscriptions.end())
    return; // unsubscribed meanwhile
  auto subscribed = i->second;
  for (auto& clusters : subscribed->clusters)
    if (pushes->is_news({msg.view->key, clusters}, msg.view->ref_time))
      push_view(*msg.view, clusters, msg.changed_at);
}

void connection_client_state::push_view(const service_view& view, const std::string& clusters,
                                        steady_time changed_at) {
  auto now = context->clock.steady();
  auto id = next_request_id();
  auto cache_millis = context->tables.store.switches()->default_push_cache_millis;
  auto body =
    request_body(id, "naming",
                 list_for_grpc(&view, view.key->view(), {clusters, false, true}, cache_millis, {}));
  if (!connection->link->send({"NotifySubscriberRequest", std::move(body)})) {
    pushes->blocked({view.key, clusters}, changed_at, now);
    return arm(now + context->options.connections.push_retry_delay);
  }
  pushes->sent({view.key, clusters}, view.ref_time, id, changed_at, now);
  ++context->counters.pushes;
  if (view.instances == 0)
    ++context->counters.pushes_empty;
  arm(now + context->options.connections.push_ack_timeout);
}

void connection_client_state::push_due(steady_time now) {
  auto due = pushes->take_due(now);
  context->counters.pushes_failed += due.overdue;
  if (due.given_up > 0)
    spdlog::warn("push-given-up to {}: {} pushes were never acknowledged", connection->info.id,
                 due.given_up);
  for (auto& x : due.again)
    if (auto view = context->tables.directory.find(x.key.service->view()))
      push_view(*view, x.key.clusters, x.changed_at);
}

void connection_client_state::on_answered(const request_answered& msg) {
  auto now = context->clock.steady();
  if (notices->answered(msg.request_id, msg.ok, now))
    return send_notices(now);
  if (!pushes->is_waiting(msg.request_id))
    return; // it came too late, was to a probe, or is made up
  auto changed_at = pushes->answered(msg.request_id, msg.ok, now);
  if (!changed_at) {
    if (auto due = pushes->next_due())
      arm(*due);
    return;
  }
  context->counters.count_acked(now - *changed_at);
}

void connection_client_state::on_drained(const link_drained&) {
  auto now = context->clock.steady();
  pushes->drained(now);
  push_due(now);
  send_notices(now);
}

// -- the end -------------------------------------------------------------------------------------

void connection_client_state::on_disconnected(const client_disconnected& msg) {
  // First out of the table: a service that is rebuilt meanwhile takes nothing over from it.
  context->tables.connections.remove(connection->info.id);
  auto& rows = connection->rows;
  if (!rows.publications.empty() && is_isolated())
    self->send(context->cluster->membership.get(), node_isolated{});
  // When this node stops, its clients go elsewhere: peers are not told that they ended.
  bool told = !context->cluster || !context->cluster->now()->own().leaving;
  for (auto& [service, x] : rows.publications) {
    send_to_service(self, context, service,
                    client_deregister_service{x->lease, {msg.why}, nullptr});
    if (told)
      records->ended(x->lease, record_state::removed);
  }
  for (auto& [service, x] : rows.subscriptions)
    send_to_service(self, context, service, client_unsubscribe_service{x->lease, {msg.why}});
  if (is_restart(birth))
    verify_with_services(); // it failed once, and may have left more than its rows say
  auto publications = rows.publications.size();
  auto subscriptions = rows.subscriptions.size();
  rows = {};
  tell_whether_watching();
  records->flush();
  spdlog::info("connection-ended {} ({}): {}, {} publications, {} subscriptions",
               connection->info.id, connection->info.client_version, to_string(msg.why),
               publications, subscriptions);
  self->quit();
}

/// Whether for a while nothing was heard of any client, nor of most nodes.
bool connection_client_state::is_isolated() const {
  if (!context->cluster)
    return false;
  auto view = context->cluster->now();
  if (view->own().rejoining || view->has_quorum_contact())
    return false;
  auto limit = context->clock.steady() - isolated_after;
  bool heard = connection->active.load() > limit;
  context->tables.connections.for_each(
    [&](const connection_ptr& x) { heard = heard || x->active.load() > limit; });
  return !heard;
}

void connection_client_state::on_reset(const reset_connection& msg) {
  auto fields = json_field("connectionId", connection->info.id);
  if (!msg.server_ip.empty())
    fields +=
      ',' + json_field("serverIp", msg.server_ip) + ',' + json_field("serverPort", msg.server_port);
  connection->link->send(
    {"ConnectResetRequest", request_body(next_request_id(), "internal", fields)});
  // Some SDKs do not know the request: they move when the stream ends.
  reset_until = context->clock.steady() + reset_grace;
  arm(*reset_until);
}

bool connection_client_state::check_liveness(steady_time now) {
  auto& opts = context->options.connections;
  if (reset_until && now >= *reset_until) {
    connection->link->close("was asked to connect anew");
    end_connection(connection, change_reason::connection_closed);
    return false;
  }
  auto active = connection->active.load();
  if (detection_sent && active >= *detection_sent)
    detection_sent.reset();
  if (detection_sent) {
    auto until = *detection_sent + opts.detect_timeout;
    if (now < until) {
      arm(until);
      return true;
    }
    connection->link->close("is silent");
    end_connection(connection, change_reason::connection_silent);
    return false;
  }
  auto due = active + opts.detect_after;
  if (now >= due) {
    detection_sent = now;
    due = now + opts.detect_timeout;
    connection->link->send({"ClientDetectionRequest", request_body(next_request_id(), "internal")});
  }
  arm(due);
  return true;
}

void connection_client_state::on_ring(const ring& msg) {
  if (!timer.rings(msg))
    return;
  auto now = context->clock.steady();
  if (!check_liveness(now))
    return;
  push_due(now);
  send_notices(now);
  if (auto due = pushes->next_due())
    arm(*due);
}

void connection_client_state::arm(steady_time due) {
  auto now = context->clock.steady();
  timer.set(self, std::max(due, now + 1ms), now, tick_grain);
}

void connection_client_state::on_announce(const announce_changes&) { records->flush(); }

// -- status --------------------------------------------------------------------------------------

std::string connection_client_state::summary() const {
  auto& rows = connection->rows;
  return connection->info.client_version + ' ' + connection->info.remote_address + ", "
         + std::to_string(rows.publications.size()) + " publications, "
         + std::to_string(rows.subscriptions.size()) + " subscriptions, "
         + std::to_string(pushes->pending()) + " pending pushes";
}

void connection_client_state::details(json_writer& out) const {
  auto& info = connection->info;
  out.field("clientIp", info.client_ip)
    .field("remoteAddress", info.remote_address)
    .field("version", info.client_version)
    .field("app", info.app)
    .field("tenant", info.tenant)
    .field("connectedAt", to_ms(info.connected_at))
    .field("silentMs", to_ms(context->clock.steady() - connection->active.load()))
    .field("pendingPushes", pushes->pending())
    .field("pendingNotices", notices->size())
    .key("labels");
  write(out, info.labels);
  out.key("publications").begin_array();
  for (auto& [service, x] : connection->rows.publications)
    out.begin_object()
      .field("service", service->full_name())
      .field("instances", x->instances.size())
      .end_object();
  out.end_array().key("subscriptions").begin_array();
  for (auto& [service, x] : connection->rows.subscriptions) {
    out.begin_object().field("service", service->full_name()).key("clusters").begin_array();
    for (auto& clusters : x->clusters)
      out.string(clusters);
    out.end_array().end_object();
  }
  out.end_array().key("watches").begin_array();
  for (auto& [pattern, watch] : connection->rows.watches)
    out.string(pattern);
  out.end_array();
}

connection_client_actor::behavior_type
connection_client(connection_client_actor::stateful_pointer<connection_client_state> self,
                  node_context_ptr context, connection_ptr connection, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context), std::move(connection));
  using state = connection_client_state;
  return lean_lines<&state::on_publish, &state::on_withdraw, &state::on_subscribe,
                    &state::on_unsubscribe, &state::on_refused, &state::on_confirm_connection,
                    &state::on_push, &state::on_answered, &state::on_drained,
                    &state::on_disconnected, &state::on_reset, &state::on_watch,
                    &state::on_cancel_watch, &state::on_presence, &state::on_fuzzy_watch_restarted,
                    &state::on_announce, &state::on_ring>(self);
}

connection_table::admission open_connection(caf::actor_system& system,
                                            const node_context_ptr& context,
                                            const connection_ptr& connection) {
  auto& opts = context->options.connections;
  if (!context->tables.memory.admits())
    return connection_table::admission::no_memory;
  auto admission =
    context->tables.connections.add(connection, opts.connections_max, opts.connections_per_ip_max);
  if (admission != connection_table::admission::admitted)
    return admission;
  // Calls may come before the actor has run; its own start puts a restarted one in place.
  connection->actor.set(system.spawn(connection_client, context, connection, birth_ptr{}));
  caf::anon_send(context->actors.connection_registry.get(),
                 supervise_connection{connection->info.id});
  spdlog::info("connection-opened {} ({})", connection->info.id, connection->info.client_version);
  return admission;
}

void end_connection(const connection_ptr& connection, change_reason why) {
  if (connection->ended.exchange(true))
    return;
  if (auto actor = connection->actor.get())
    caf::anon_send(actor, client_disconnected{why});
}

} // namespace nacre
