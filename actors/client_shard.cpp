#include "actors/client_shard.hpp"

#include <spdlog/spdlog.h>

#include "actors/replication.hpp"
#include "actors/service.hpp"
#include "protocol/json_writer.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// How often leases are looked at; a lapse is told at most this much late.
constexpr auto tick_interval = 250ms;

/// When ticks were this far apart the process itself had stood still, and so could not have heard
/// any beat: every lease gets a fresh term.
constexpr std::int64_t standstill_ms = 5'000;

/// A recovery that lacks answers is started anew after this time.
constexpr std::int64_t recovery_retry_ms = 300;

/// An id that outlives restarts is not needed; it only tells answers to an earlier life apart.
std::uint64_t new_life() {
  static std::atomic<std::uint64_t> lives{0};
  return ++lives;
}

} // namespace

void client_shard_state::start(node_context_ptr ctx, std::size_t shard_index, bool recover) {
  context = std::move(ctx);
  index = shard_index;
  last_tick_ms = steady_ms(self);
  if (context->cluster)
    divided_by = context->cluster->now();
  if (recover) {
    renewed_at_least_ms = last_tick_ms;
    recovery = std::make_unique<recovering>();
    ask_registry();
  }
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

void client_shard_state::send_publish(const publication_ptr& x, const publication_ptr& before,
                                      change_cause cause, ticket_ptr answer) {
  auto& key = x->held_by->service;
  if (!send_to_service(self, context, key, publish{x, std::move(cause), answer, before})) {
    table.remove(x->held_by->client, key->view());
    context->leases.erase(x->held_by);
    replicate_end(*context, x->held_by, record_state::removed, steady_ms(self));
    complete(answer, services_limit_reached(*context));
  }
}

void client_shard_state::on_register(register_instance& msg) {
  if (deferred(msg, &client_shard_state::on_register))
    return;
  auto now = steady_ms(self);
  if (context->cluster && msg.client.kind == client_kind::persistent)
    return complete(msg.answer, not_replicated("persistent instances"));
  auto known = table.find(msg.client, msg.service->view());
  lease_ptr held_by;
  if (known) {
    held_by = known->held_by;
    held_by->renewed_ms = now;
    held_by->healthy = msg.what.healthy;
  } else {
    auto instances_max = static_cast<std::int64_t>(context->options.limits.instances_max);
    if (context->counters.instances >= instances_max)
      return complete(msg.answer, instances_limit_reached(*context));
    held_by = new lease(context->directory.shared_key(msg.service->view()), msg.client, now,
                        lease_terms_of(msg.what.metadata));
    held_by->healthy = msg.what.healthy;
    held_by->judged_elsewhere = divided_by && !divided_by->judged_here(msg.client);
    if (msg.client.kind == client_kind::ephemeral)
      context->leases.insert(held_by);
  }
  instance_list instances;
  instances.push_back(std::move(msg.what));
  auto x = make_publication(held_by, std::move(instances));
  table.put(x, now);
  count_clients();
  if (known && same_publication(*known, *x))
    context->leases.note_renewal(held_by);
  else
    replicate(*context, x);
  send_publish(x, known, std::move(msg.cause), std::move(msg.answer));
}

void client_shard_state::on_deregister(const deregister_instance& msg) {
  if (deferred(msg, &client_shard_state::on_deregister))
    return;
  auto gone = table.remove(msg.client, msg.service->view());
  count_clients();
  auto now = steady_ms(self);
  if (!gone) {
    // Its registration may be on its way here from another node.
    lease_ptr held_by = new lease(msg.service, msg.client, now);
    replicate_end(*context, held_by, record_state::removed, now);
    return complete(msg.answer); // as the reference does: it is not there, which was wanted
  }
  context->leases.erase(gone->held_by);
  replicate_end(*context, gone->held_by, record_state::removed, now);
  send_to_service(self, context, msg.service, withdraw{gone->held_by, msg.cause, msg.answer});
}

void client_shard_state::on_revive(const revive_instance& msg) {
  if (deferred(msg, &client_shard_state::on_revive))
    return;
  auto known = table.find(msg.client, msg.service->view());
  if (!known)
    return complete(msg.answer, {ec::lease_not_found, "instance not found"});
  known->held_by->renewed_ms = steady_ms(self);
  if (known->held_by->healthy.exchange(true))
    return complete(msg.answer);
  auto x = with_health(*known, true);
  table.put(x, steady_ms(self));
  replicate_health(*context, x);
  send_publish(x, known, {change_reason::beat}, msg.answer);
}

void client_shard_state::on_subscribe(const subscribe_client& msg) {
  if (deferred(msg, &client_shard_state::on_subscribe))
    return;
  auto now = steady_ms(self);
  auto key = msg.service->view();
  auto known = table.find_subscription(msg.client, key);
  lease_ptr held_by = known ? known->held_by
                            : new lease(context->directory.shared_key(key), msg.client, now);
  subscriber_ptr x(
    new subscriber(held_by, with_selection(known.get(), msg.clusters), msg.app, msg.agent));
  x->held_by->renewed_ms = now;
  if (known && same_subscriber(*known, *x))
    return;
  if (!send_to_service(self, context, held_by->service, subscribe{x}))
    return; // at the bound of services; the client's next query tries again
  table.put(x, now);
  count_clients();
}

void client_shard_state::on_refused(const publish_refused& msg) {
  auto key = msg.what->held_by->service->view();
  auto known = table.find(msg.what->held_by->client, key);
  if (!known || known != msg.what)
    return; // something newer was sent meanwhile
  table.remove(msg.what->held_by->client, key);
  context->leases.erase(msg.what->held_by);
  replicate_end(*context, msg.what->held_by, record_state::removed, steady_ms(self));
  count_clients();
}

void client_shard_state::on_replay(const replay& msg) {
  if (deferred(msg, &client_shard_state::on_replay))
    return;
  replayed answer;
  answer.shard = index;
  table.collect(msg.service->view(), answer.publications, answer.subscribers);
  if (auto service = context->directory.find_actor(msg.service->view()))
    self->send(service, std::move(answer));
}

// -- recovery of a restarted shard ---------------------------------------------------------------

void client_shard_state::ask_registry() {
  recovery->life = new_life();
  recovery->expected.reset();
  recovery->heard = 0;
  recovery->asked_ms = steady_ms(self);
  self->send(context->registry.get(), recall{index, recovery->life});
}

void client_shard_state::on_recalled(const recalled& msg) {
  if (!recovery || msg.life != recovery->life)
    return;
  auto now = steady_ms(self);
  for (auto& x : msg.publications) {
    table.put(x, now);
    if (x->held_by->client.kind == client_kind::ephemeral)
      context->leases.insert(x->held_by);
  }
  for (auto& x : msg.subscribers)
    table.put(x, now);
  ++recovery->heard;
  if (recovery->heard == recovery->expected)
    finish_recovery();
}

void client_shard_state::on_recall_started(const recall_started& msg) {
  if (!recovery || msg.life != recovery->life)
    return;
  recovery->expected = msg.services;
  if (recovery->heard == msg.services)
    finish_recovery();
}

void client_shard_state::finish_recovery() {
  auto done = std::move(recovery);
  count_clients();
  // A shard that failed in the middle of a write may have left a lease without a row: its beats
  // would be taken for good while nobody can find the instance.
  context->leases.erase_all_if([this](const lease& x) {
    auto row = context->shard_of(x.client) == index ? table.find(x.client, x.service->view())
                                                    : nullptr;
    return context->shard_of(x.client) == index && (!row || row->held_by.get() != &x);
  });
  spdlog::info("shard-recovered {}: {} clients, {} publications, {} subscriptions", index,
               table.clients(), table.publications(), table.subscriptions());
  if (context->cluster)
    reconcile_records();
  for (auto& write : done->waiting)
    write();
}

// -- leases --------------------------------------------------------------------------------------

lapse_rules client_shard_state::rules() const {
  lapse_rules x;
  x.checks_enabled = context->store.switches()->health_check_enabled;
  x.expire_instance = context->options.liveness.expire_instance;
  x.subscriber_timeout_ms = context->options.liveness.subscriber_timeout.count();
  x.renewed_at_least_ms = renewed_at_least_ms;
  if (context->cluster) {
    auto view = context->cluster->now();
    x.checks_enabled &= view->hears_majority();
    x.reunited_ms = view->reunited_ms();
  }
  return x;
}

void client_shard_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
  auto now = steady_ms(self);
  if (now - last_tick_ms > standstill_ms) {
    spdlog::warn("shard-stood-still {}: no tick for {} ms, all leases get a fresh term", index,
                 now - last_tick_ms);
    renewed_at_least_ms = now;
  }
  last_tick_ms = now;
  if (recovery) {
    if (now - recovery->asked_ms >= recovery_retry_ms)
      ask_registry();
    return;
  }
  if (context->cluster && !context->cluster->serves())
    return; // what it holds of others is not complete yet, and so are the signs of life
  auto r = rules();
  for (auto& x : table.due(now, r)) {
    switch (x.what) {
      case lapse::kind::unhealthy:
        lapse_unhealthy(x.held_by, r);
        break;
      case lapse::kind::removed:
        lapse_removed(x.held_by, r);
        break;
      case lapse::kind::unsubscribed:
        lapse_unsubscribed(x.held_by);
        break;
    }
  }
  count_clients();
}

void client_shard_state::lapse_unhealthy(const lease_ptr& held_by, const lapse_rules& r) {
  // A beat may have come just now; from here on it sees that it has to go through the mailbox.
  bool stale = false;
  context->leases.exclusively(held_by, [&] {
    stale = steady_ms(self) - r.terms_from(*held_by) > held_by->beat_timeout_ms;
    if (stale)
      held_by->healthy = false;
  });
  auto known = table.find(held_by->client, held_by->service->view());
  if (!stale || !known)
    return;
  auto x = with_health(*known, false);
  table.put(x, steady_ms(self));
  replicate_health(*context, x);
  send_publish(x, known, {change_reason::beats_stopped}, nullptr);
}

void client_shard_state::lapse_removed(const lease_ptr& held_by, const lapse_rules& r) {
  bool gone = context->leases.erase_if(held_by, [&] {
    return steady_ms(self) - r.terms_from(*held_by) > held_by->delete_timeout_ms;
  });
  if (!gone)
    return;
  table.remove(held_by->client, held_by->service->view());
  replicate_end(*context, held_by, record_state::lapsed, steady_ms(self));
  spdlog::info("instance-removed {} of {}@@{}: no beat for {} ms", held_by->client.address(),
               held_by->service->namespace_id, held_by->service->grouped_name(),
               steady_ms(self) - held_by->renewed_ms.load());
  send_to_service(self, context, held_by->service,
                  withdraw{held_by, {change_reason::beats_stopped}, nullptr});
}

void client_shard_state::lapse_unsubscribed(const lease_ptr& held_by) {
  table.remove_subscription(held_by->client, held_by->service->view());
  send_to_service(self, context, held_by->service,
                  unsubscribe{held_by, {change_reason::queries_stopped}});
}

void client_shard_state::count_clients() {
  if (table.clients() == counted_clients)
    return;
  context->counters.clients += static_cast<std::int64_t>(table.clients())
                               - static_cast<std::int64_t>(counted_clients);
  counted_clients = table.clients();
}

caf::result<actor_status> client_shard_state::on_status(const status_request& msg) {
  auto summary = std::to_string(table.clients()) + " clients, "
                 + std::to_string(table.publications()) + " publications, "
                 + std::to_string(table.subscriptions()) + " subscriptions"
                 + (recovery ? ", recovering" : "");
  auto status = make_status(self, *this, std::to_string(index), std::move(summary));
  if (msg.detailed) {
    json_writer out;
    out.begin_object()
      .field("clients", table.clients())
      .field("publications", table.publications())
      .field("subscriptions", table.subscriptions())
      .field("recovering", recovery != nullptr)
      .end_object();
    status.details = out.take();
  }
  return status;
}

client_shard_actor::behavior_type
client_shard(client_shard_actor::stateful_pointer<client_shard_state> self,
             node_context_ptr context, std::size_t index, bool recover, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context), index, recover);
  return {
    on<&client_shard_state::on_register>(self),
    on<&client_shard_state::on_deregister>(self),
    on<&client_shard_state::on_revive>(self),
    on<&client_shard_state::on_subscribe>(self),
    on<&client_shard_state::on_refused>(self),
    on<&client_shard_state::on_replay>(self),
    on<&client_shard_state::on_sync>(self),
    on<&client_shard_state::on_superseded>(self),
    on<&client_shard_state::on_cluster_changed>(self),
    on<&client_shard_state::on_recalled>(self),
    on<&client_shard_state::on_recall_started>(self),
    on<&client_shard_state::on_tick>(self),
    on<&client_shard_state::on_status>(self),
  };
}

} // namespace nacre
