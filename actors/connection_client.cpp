#include "actors/connection_client.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/replication.hpp"
#include "actors/service.hpp"
#include "actors/service_info.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/naming_response.hpp"

namespace nacre {

namespace {

/// Timers fire at most this much late, so that many pushes share one.
constexpr std::int64_t tick_grain_ms = 200;

/// How long a client that is sent elsewhere has for leaving by itself.
constexpr std::int64_t reset_grace_ms = 3'000;

/// SDKs are heard at least every 5 s.
constexpr std::int64_t cut_off_after_ms = 10'000;

} // namespace

void connection_client_state::start(node_context_ptr ctx, connection_ptr x, bool recover) {
  context = std::move(ctx);
  wire = std::move(x);
  auto& opts = context->options.connections;
  pushes.emplace(opts.push_ack_timeout.count(), opts.push_retry_delay.count());
  notices.emplace(opts.push_ack_timeout.count(), opts.push_retry_delay.count());
  wire->actor.set(caf::actor_cast<connection_client_actor>(self));
  arm(steady_ms(self) + opts.detect_after.count());
  if (!recover)
    return;
  send_all_rows();
  // What the failed actor was told last is lost with it.
  if (wire->ended)
    self->send(self, connection_lost{change_reason::connection_closed});
}

lease_ptr connection_client_state::new_lease(const service_ref& service) {
  client_id id{wire->info.id, 0, client_kind::connection};
  return new lease(context->directory.shared_key(service->view()), std::move(id), steady_ms(self));
}

bool connection_client_state::send_publish(const publication_ptr& x, change_cause cause,
                                           ticket_ptr answer, publication_ptr before) {
  return send_to_service(self, context, x->held_by->service,
                         publish{x, std::move(cause), std::move(answer), std::move(before)});
}

void connection_client_state::on_publish(publish_instances& msg) {
  auto& known = wire->rows.publications[msg.service];
  auto grows = msg.instances.size() - std::min(msg.instances.size(),
                                               known ? known->instances.size() : 0);
  auto instances_max = context->options.limits.instances_max;
  if (context->counters.instances + static_cast<std::int64_t>(grows)
      > static_cast<std::int64_t>(instances_max)) {
    if (!known)
      wire->rows.publications.erase(msg.service);
    return complete(msg.answer, instances_limit_reached(*context));
  }
  auto held_by = known ? known->held_by : new_lease(msg.service);
  auto x = make_publication(held_by, std::move(msg.instances));
  auto before = std::exchange(known, x);
  auto answer = msg.answer;
  if (send_publish(x, {change_reason::request}, std::move(msg.answer), before)) {
    if (!before || !same_publication(*before, *x))
      replicate(*context, x);
    return;
  }
  if (before)
    known = before;
  else
    wire->rows.publications.erase(msg.service);
  complete(answer, services_limit_reached(*context));
}

void connection_client_state::on_withdraw(const withdraw_instances& msg) {
  auto i = wire->rows.publications.find(msg.service);
  if (i == wire->rows.publications.end())
    return complete(msg.answer); // it is not there, which was wanted
  auto held_by = i->second->held_by;
  send_to_service(self, context, msg.service,
                  withdraw{held_by, {change_reason::request}, msg.answer});
  wire->rows.publications.erase(i);
  replicate_end(*context, held_by, record_state::removed, steady_ms(self));
}

void connection_client_state::on_subscribe(const subscribe_service& msg) {
  auto i = wire->rows.subscriptions.find(msg.service);
  auto known = i == wire->rows.subscriptions.end() ? nullptr : i->second;
  auto clusters = with_selection(known.get(), msg.clusters);
  if (known && clusters.front() != known->clusters.front())
    pushes->forget({msg.service, known->clusters.front()}); // it made room
  auto held_by = known ? known->held_by : new_lease(msg.service);
  subscriber_ptr x(
    new subscriber(held_by, std::move(clusters), msg.app, wire->info.client_version,
                   wire->info.client_ip));
  if (send_to_service(self, context, msg.service, subscribe{x, msg.answer}))
    wire->rows.subscriptions[msg.service] = x;
  else
    complete(msg.answer, services_limit_reached(*context));
}

void connection_client_state::on_unsubscribe(const unsubscribe_service& msg) {
  auto i = wire->rows.subscriptions.find(msg.service);
  if (i == wire->rows.subscriptions.end())
    return complete(msg.answer);
  auto known = i->second;
  // One of several selections ends alone; otherwise all end, whatever is named.
  auto left = known->clusters;
  std::erase(left, msg.clusters);
  if (!left.empty() && left.size() < known->clusters.size()) {
    pushes->forget({msg.service, msg.clusters});
    i->second = new subscriber(known->held_by, std::move(left), known->app, known->agent,
                               known->client_ip);
    send_to_service(self, context, msg.service, subscribe{i->second, msg.answer});
    return;
  }
  for (auto& clusters : known->clusters)
    pushes->forget({msg.service, clusters});
  send_to_service(self, context, msg.service,
                  unsubscribe{known->held_by, {change_reason::request}, msg.answer});
  wire->rows.subscriptions.erase(i);
}

void connection_client_state::on_refused(const publish_refused& msg) {
  auto i = wire->rows.publications.find(msg.what->held_by->service);
  if (i == wire->rows.publications.end() || i->second != msg.what)
    return;
  wire->rows.publications.erase(i);
  replicate_end(*context, msg.what->held_by, record_state::removed, steady_ms(self));
}

void connection_client_state::on_check(const check_hold& msg) {
  auto published = wire->rows.publications.find(msg.service);
  if (published != wire->rows.publications.end())
    send_publish(published->second, {change_reason::restart}, nullptr);
  else if (msg.published)
    send_to_service(self, context, msg.service,
                    withdraw{msg.published, {change_reason::request}, nullptr});
  auto subscribed = wire->rows.subscriptions.find(msg.service);
  if (subscribed != wire->rows.subscriptions.end())
    send_to_service(self, context, msg.service, subscribe{subscribed->second});
  else if (msg.subscribed)
    send_to_service(self, context, msg.service,
                    unsubscribe{msg.subscribed, {change_reason::request}});
}

void connection_client_state::compare_with_services() {
  context->directory.for_each(
    [this](const service_ref&, const service_actor& actor, const service_view_ptr&) {
      self->send(actor, compare_connection{wire->info.id});
    });
}

void connection_client_state::send_all_rows() {
  for (auto& [service, x] : wire->rows.publications) {
    send_publish(x, {change_reason::restart}, nullptr);
    replicate(*context, x);
  }
  for (auto& [service, x] : wire->rows.subscriptions) {
    send_to_service(self, context, service, subscribe{x});
    if (auto view = context->directory.find(service->view()))
      self->send(self, view_push{view, steady_ms(self)});
  }
  compare_with_services();
  on_resync({});
}

// -- pushes --------------------------------------------------------------------------------------

void connection_client_state::on_push(const view_push& msg) {
  auto i = wire->rows.subscriptions.find(msg.view->key);
  if (i == wire->rows.subscriptions.end())
    return; // unsubscribed meanwhile
  auto subscribed = i->second;
  for (auto& clusters : subscribed->clusters)
    if (pushes->is_news({msg.view->key, clusters}, msg.view->ref_time_ms))
      push_view(*msg.view, clusters, msg.changed_at_ms);
}

void connection_client_state::push_view(const service_view& view, const std::string& clusters,
                                        std::int64_t changed_at_ms) {
  auto now = steady_ms(self);
  auto id = next_request_id();
  auto cache_millis = context->store.switches()->default_push_cache_millis;
  auto body = request_body(
    id, "naming",
    "\"serviceInfo\":"
      + list_for_grpc(&view, view.key->view(), {clusters, false, true}, cache_millis, 0));
  if (!wire->link->send({"NotifySubscriberRequest", std::move(body)})) {
    pushes->blocked({view.key, clusters}, changed_at_ms, now);
    return arm(now + context->options.connections.push_retry_delay.count());
  }
  pushes->sent({view.key, clusters}, view.ref_time_ms, id, changed_at_ms, now);
  ++context->counters.pushes;
  if (view.instances == 0)
    ++context->counters.pushes_empty;
  arm(now + context->options.connections.push_ack_timeout.count());
}

void connection_client_state::push_due(std::int64_t now_ms) {
  auto due = pushes->take_due(now_ms);
  context->counters.pushes_failed += due.overdue;
  if (due.given_up > 0)
    spdlog::warn("push-given-up to {}: {} pushes were never acknowledged", wire->info.id,
                 due.given_up);
  for (auto& x : due.again)
    if (auto view = context->directory.find(x.key.service->view()))
      push_view(*view, x.key.clusters, x.changed_at_ms);
}

void connection_client_state::on_answered(const request_answered& msg) {
  auto now = steady_ms(self);
  if (notices->answered(msg.request_id, msg.ok, now))
    return send_notices(now);
  auto changed_at = pushes->answered(msg.request_id, msg.ok, now);
  if (!changed_at) {
    if (auto due = pushes->next_due_ms())
      arm(*due);
    return;
  }
  context->counters.count_acked(now - *changed_at);
}

void connection_client_state::on_drained(const link_drained&) {
  auto now = steady_ms(self);
  pushes->drained(now);
  push_due(now);
  send_notices(now);
}

// -- the end -------------------------------------------------------------------------------------

void connection_client_state::on_lost(const connection_lost& msg) {
  // First out of the table: a service that is rebuilt meanwhile takes nothing over from it.
  context->connections.remove(wire->info.id);
  auto& rows = wire->rows;
  if (!rows.publications.empty() && is_cut_off()) {
    spdlog::warn("node-cut-off: nothing is heard of clients or nodes, their connections end");
    context->cluster->rejoining = true;
  }
  // When this node stops, its clients go elsewhere: peers are not told that they ended.
  bool told = !context->cluster || !context->cluster->leaving;
  for (auto& [service, x] : rows.publications) {
    send_to_service(self, context, service, withdraw{x->held_by, {msg.why}, nullptr});
    if (told)
      replicate_end(*context, x->held_by, record_state::removed, steady_ms(self));
  }
  for (auto& [service, x] : rows.subscriptions)
    send_to_service(self, context, service, unsubscribe{x->held_by, {msg.why}});
  if (origin)
    compare_with_services(); // it failed once, and may have left more than its rows say
  auto publications = rows.publications.size();
  auto subscriptions = rows.subscriptions.size();
  rows = {};
  tell_whether_watching();
  spdlog::info("connection-ended {} ({}): {}, {} publications, {} subscriptions", wire->info.id,
               wire->info.client_version, to_string(msg.why), publications, subscriptions);
  self->quit();
}

/// Whether for a while nothing was heard of any client, nor of most nodes.
bool connection_client_state::is_cut_off() const {
  if (!context->cluster || context->cluster->rejoining || context->cluster->now()->hears_majority())
    return false;
  auto limit_ms = steady_ms(self) - cut_off_after_ms;
  bool heard = wire->active_ms > limit_ms;
  context->connections.for_each(
    [&](const connection_ptr& x) { heard = heard || x->active_ms > limit_ms; });
  return !heard;
}

void connection_client_state::on_reset(const reset_connection& msg) {
  auto fields = json_field("connectionId", wire->info.id);
  if (!msg.server_ip.empty())
    fields += ',' + json_field("serverIp", msg.server_ip) + ','
              + json_field("serverPort", msg.server_port);
  wire->link->send({"ConnectResetRequest", request_body(next_request_id(), "internal", fields)});
  // Some SDKs do not know the request: they move when the stream ends.
  reset_until_ms = steady_ms(self) + reset_grace_ms;
  arm(reset_until_ms);
}

bool connection_client_state::check_liveness(std::int64_t now_ms) {
  auto& opts = context->options.connections;
  if (reset_until_ms > 0 && now_ms >= reset_until_ms) {
    wire->link->close("was asked to connect anew");
    end_connection(wire, change_reason::connection_closed);
    return false;
  }
  auto active = wire->active_ms.load();
  if (detection_sent_ms > 0 && active >= detection_sent_ms)
    detection_sent_ms = 0;
  if (detection_sent_ms > 0) {
    auto until = detection_sent_ms + opts.detect_timeout.count();
    if (now_ms < until) {
      arm(until);
      return true;
    }
    wire->link->close("is silent");
    end_connection(wire, change_reason::connection_silent);
    return false;
  }
  auto due = active + opts.detect_after.count();
  if (now_ms >= due) {
    detection_sent_ms = now_ms;
    due = now_ms + opts.detect_timeout.count();
    wire->link->send({"ClientDetectionRequest", request_body(next_request_id(), "internal")});
  }
  arm(due);
  return true;
}

void connection_client_state::on_tick(const connection_tick& msg) {
  if (msg.generation != generation)
    return; // an earlier arming
  armed_for_ms = 0;
  auto now = steady_ms(self);
  if (!check_liveness(now))
    return;
  push_due(now);
  send_notices(now);
  if (auto due = pushes->next_due_ms())
    arm(*due);
}

void connection_client_state::arm(std::int64_t due_ms) {
  if (armed_for_ms != 0 && armed_for_ms <= due_ms + tick_grain_ms)
    return;
  armed_for_ms = due_ms;
  auto wait = std::max<std::int64_t>(due_ms - steady_ms(self), 1);
  self->delayed_send(self, std::chrono::milliseconds(wait), connection_tick{++generation});
}

// -- status --------------------------------------------------------------------------------------

caf::result<actor_status> connection_client_state::on_status(const status_request& msg) {
  auto& rows = wire->rows;
  auto summary = wire->info.client_version + ' ' + wire->info.remote_address + ", "
                 + std::to_string(rows.publications.size()) + " publications, "
                 + std::to_string(rows.subscriptions.size()) + " subscriptions, "
                 + std::to_string(pushes->pending()) + " pending pushes";
  auto status = make_status(self, *this, wire->info.id, std::move(summary));
  if (!origin)
    status.parent = context->connection_registry.get().id(); // a first life has no record
  if (msg.detailed)
    status.details = details();
  return status;
}

std::string connection_client_state::details() const {
  auto& info = wire->info;
  json_writer out;
  out.begin_object()
    .field("clientIp", info.client_ip)
    .field("remoteAddress", info.remote_address)
    .field("version", info.client_version)
    .field("app", info.app)
    .field("tenant", info.tenant)
    .field("connectedAt", info.connected_at_ms)
    .field("silentMs", steady_ms(self) - wire->active_ms.load())
    .field("pendingPushes", pushes->pending())
    .field("pendingNotices", notices->size())
    .key("labels");
  write(out, info.labels);
  out.key("publications").begin_array();
  for (auto& [service, x] : wire->rows.publications)
    out.begin_object()
      .field("service", watched_key(service->view()))
      .field("instances", x->instances.size())
      .end_object();
  out.end_array().key("subscriptions").begin_array();
  for (auto& [service, x] : wire->rows.subscriptions) {
    out.begin_object().field("service", watched_key(service->view())).key("clusters").begin_array();
    for (auto& clusters : x->clusters)
      out.string(clusters);
    out.end_array().end_object();
  }
  out.end_array().key("watches").begin_array();
  for (auto& [pattern, watch] : wire->rows.watches)
    out.string(pattern);
  out.end_array().end_object();
  return out.take();
}

connection_client_actor::behavior_type
connection_client(connection_client_actor::stateful_pointer<connection_client_state> self,
                  node_context_ptr context, connection_ptr wire, bool recover,
                  actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), std::move(wire), recover);
  return {
    on<&connection_client_state::on_publish>(self),
    on<&connection_client_state::on_withdraw>(self),
    on<&connection_client_state::on_subscribe>(self),
    on<&connection_client_state::on_unsubscribe>(self),
    on<&connection_client_state::on_refused>(self),
    on<&connection_client_state::on_check>(self),
    on<&connection_client_state::on_push>(self),
    on<&connection_client_state::on_answered>(self),
    on<&connection_client_state::on_drained>(self),
    on<&connection_client_state::on_lost>(self),
    on<&connection_client_state::on_reset>(self),
    on<&connection_client_state::on_watch>(self),
    on<&connection_client_state::on_cancel_watch>(self),
    on<&connection_client_state::on_presence>(self),
    on<&connection_client_state::on_resync>(self),
    on<&connection_client_state::on_tick>(self),
    on<&connection_client_state::on_status>(self),
  };
}

connection_table::admission open_connection(caf::actor_system& system,
                                            const node_context_ptr& context,
                                            const connection_ptr& wire) {
  auto& opts = context->options.connections;
  auto admission
    = context->connections.add(wire, opts.connections_max, opts.connections_per_ip_max);
  if (admission != connection_table::admission::admitted)
    return admission;
  // Calls may come before the actor has run; its own start puts a restarted one in place.
  wire->actor.set(system.spawn(connection_client, context, wire, false, actor_origin_ptr{}));
  caf::anon_send(context->connection_registry.get(), adopt_connection{wire->info.id});
  spdlog::info("connection-opened {} ({})", wire->info.id, wire->info.client_version);
  return admission;
}

void end_connection(const connection_ptr& wire, change_reason why) {
  if (wire->ended.exchange(true))
    return;
  if (auto actor = wire->actor.get())
    caf::anon_send(actor, connection_lost{why});
}

} // namespace nacre
