#include "actors/naming/client_shard.hpp"

#include <spdlog/spdlog.h>

#include "actors/naming/service.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// How often leases are looked at; a lapse is told at most this much late.
constexpr auto tick_interval = 250ms;

/// When ticks were this far apart the process itself had stood still, and so could not have heard
/// any beat: every lease gets a fresh term.
constexpr milliseconds standstill{5'000};

/// So many leases are looked at to know how many are silent.
constexpr std::size_t silence_sample = 1'000;

/// Between two turns that look at leases, while more are due.
constexpr milliseconds check_pause{1};

/// Removals of one turn with a line each in the log.
constexpr std::size_t removals_told = 10;

/// A recovery that lacks answers is started anew after this time.
constexpr milliseconds recovery_retry{300};

} // namespace

void client_shard_state::start(node_context_ptr ctx, std::size_t shard_index) {
  context = std::move(ctx);
  index = shard_index;
  records.emplace(self, *context);
  last_tick = context->clock.steady();
  auto& bounds = context->options.health;
  suspicion.emplace(bounds.suspicious_targets_min, bounds.suspicious_percent);
  if (context->cluster)
    assigned_by = context->cluster->now();
  if (is_restart(birth)) {
    renewed_at_least = last_tick;
    recovery = std::make_unique<recovering>();
    ask_registry();
  }
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

// -- the four places of a publication ------------------------------------------------------------

void client_shard_state::record(const publication_ptr& row, const publication_ptr& before,
                                const stamp& as) {
  switch (as.how) {
    case stamp::kind::next:
      return records->changed(row);
    case stamp::kind::same:
      if (before && before->healthy() != row->healthy())
        records->health_changed(row);
      return;
    case stamp::kind::told:
      context->cluster->replicas.put({row->lease, as.version, as.state, row, as.owner});
  }
}

void client_shard_state::commit(const publication_ptr& row, const publication_ptr& before,
                                const stamp& as, change_cause cause, ticket_ptr answer) {
  auto& lease = row->lease;
  table.put(row, context->clock.steady());
  bool new_lease = !before || before->lease != lease;
  if (new_lease && lease->client.kind == client_kind::ephemeral)
    context->tables.leases.insert(lease);
  record(row, before, as);
  client_register_service event{row, std::move(cause), answer, before};
  if (send_to_service(self, context, lease->service, std::move(event)))
    return;
  forget(lease, {stamp::kind::next});
  complete(answer, services_limit_reached(*context));
}

void client_shard_state::forget(const lease_ptr& lease, const stamp& as) {
  table.remove(lease->client, lease->service->view());
  context->tables.leases.erase(lease);
  if (as.how == stamp::kind::told)
    context->cluster->replicas.put(
      {lease, as.version, as.state, nullptr, as.owner, context->clock.steady()});
  else
    records->ended(lease,
                   as.how == stamp::kind::next ? record_state::removed : record_state::lapsed);
}

void client_shard_state::retract(const lease_ptr& lease, const stamp& as, change_cause cause,
                                 ticket_ptr answer) {
  forget(lease, as);
  send_to_service(self, context, lease->service,
                  client_deregister_service{lease, std::move(cause), std::move(answer)});
}

// -- writes of clients ---------------------------------------------------------------------------

lease_ptr client_shard_state::open_lease(const client_id& client, const service_ref& service,
                                         const instance& what) {
  auto lease = make_lease(context->tables.directory.shared_key(service->view()), client,
                          context->clock.steady(), lease_terms_of(what.metadata));
  lease->responsible_elsewhere = assigned_by && !assigned_by->is_responsible(client);
  return lease;
}

void client_shard_state::on_register(register_instance& msg) {
  if (deferred(msg, &client_shard_state::on_register))
    return;
  auto known = table.find(msg.client, msg.service->view());
  instance_list instances;
  instances.push_back(std::move(msg.what));
  // What was agreed on is not this node's to refuse.
  bool agreed = msg.client.kind == client_kind::persistent;
  if (!agreed)
    if (auto admitted = admit_instances(*context, known.get(), instances); !admitted.ok())
      return complete(msg.answer, std::move(admitted));
  auto lease = known ? known->lease : open_lease(msg.client, msg.service, instances.front());
  lease->renewed = context->clock.steady();
  lease->healthy = instances.front().healthy;
  auto row = make_publication(lease, std::move(instances));
  // What says again that it is unhealthy gives no sign of life, for which the responsible node
  // would take a renewal.
  bool same = known && row->healthy() && same_publication(*known, *row);
  if (same)
    context->tables.leases.note_renewal(lease);
  commit(row, known, {same ? stamp::kind::same : stamp::kind::next}, std::move(msg.cause),
         std::move(msg.answer));
  count_clients();
}

void client_shard_state::on_deregister(const deregister_instance& msg) {
  if (deferred(msg, &client_shard_state::on_deregister))
    return;
  if (auto known = table.find(msg.client, msg.service->view())) {
    retract(known->lease, {stamp::kind::next}, msg.cause, msg.answer);
    return count_clients();
  }
  // Its registration may be on its way here from another node. Anybody can name what never was, so
  // it is not remembered where memory is short: a registration that comes late then lapses.
  if (!context->tables.memory.spent())
    records->ended(make_lease(msg.service, msg.client, context->clock.steady()),
                   record_state::removed);
  complete(msg.answer); // as the reference does: it is not there, which was wanted
}

void client_shard_state::on_revive(const revive_instance& msg) {
  if (deferred(msg, &client_shard_state::on_revive))
    return;
  auto known = table.find(msg.client, msg.service->view());
  if (!known)
    return complete(msg.answer, {ec::lease_not_found, "instance not found"});
  known->lease->renewed = context->clock.steady();
  if (known->lease->healthy.exchange(true))
    return complete(msg.answer);
  commit(with_health(*known, true), known, {stamp::kind::same}, {change_reason::beat}, msg.answer);
}

void client_shard_state::on_subscribe(const subscribe_client& msg) {
  if (deferred(msg, &client_shard_state::on_subscribe))
    return;
  auto now = context->clock.steady();
  auto key = msg.service->view();
  auto known = table.find_subscription(msg.client, key);
  if (!admit_subscription(*context, known.get(), msg.clusters).ok())
    return; // the client's next query tries again
  lease_ptr lease =
    known ? known->lease : make_lease(context->tables.directory.shared_key(key), msg.client, now);
  subscriber_ptr x(
    new subscriber(lease, with_selection(known.get(), msg.clusters), msg.app, msg.agent));
  x->lease->renewed = now;
  if (known && same_subscriber(*known, *x))
    return;
  if (!send_to_service(self, context, lease->service, client_subscribe_service{x}))
    return; // at the bound of services; likewise
  table.put(x, now);
  count_clients();
}

void client_shard_state::on_refused(const publish_refused& msg) {
  auto& lease = msg.what->lease;
  if (table.find(lease->client, lease->service->view()) != msg.what)
    return; // something newer was sent meanwhile
  forget(lease, {stamp::kind::next});
  count_clients();
}

void client_shard_state::on_service_asks_rows(const service_asks_rows& msg) {
  if (deferred(msg, &client_shard_state::on_service_asks_rows))
    return;
  shard_gives_rows answer;
  answer.shard = index;
  table.collect(msg.service->view(), answer.publications, answer.subscribers);
  if (auto service = context->tables.directory.find_actor(msg.service->view()))
    self->send(service, std::move(answer));
}

// -- recovery of a restarted shard ---------------------------------------------------------------

void client_shard_state::ask_registry() {
  recovery->attempt = ++context->counters.last_attempt;
  recovery->expected.reset();
  recovery->heard = 0;
  recovery->asked = context->clock.steady();
  self->send(context->actors.registry.get(), shard_asks_rows{index, recovery->attempt});
}

void client_shard_state::on_service_gives_rows(const service_gives_rows& msg) {
  if (!recovery || msg.attempt != recovery->attempt)
    return;
  auto now = context->clock.steady();
  for (auto& x : msg.publications) {
    table.put(x, now);
    if (x->lease->client.kind == client_kind::ephemeral)
      context->tables.leases.insert(x->lease);
  }
  for (auto& x : msg.subscribers)
    table.put(x, now);
  ++recovery->heard;
  if (recovery->heard == recovery->expected)
    finish_recovery();
}

void client_shard_state::on_recovery_started(const shard_recovery_started& msg) {
  if (!recovery || msg.attempt != recovery->attempt)
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
  context->tables.leases.erase_all_if([this](const lease& x) {
    auto row =
      context->shard_of(x.client) == index ? table.find(x.client, x.service->view()) : nullptr;
    return context->shard_of(x.client) == index && (!row || row->lease.get() != &x);
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
  x.checks_enabled = context->tables.store.switches()->health_check_enabled;
  x.expire_instance = context->options.liveness.expire_instance;
  x.subscriber_timeout = context->options.liveness.subscriber_timeout;
  x.renewed_at_least = renewed_at_least;
  x.lapsed_at_least = lapsed_at_least;
  if (context->cluster) {
    auto view = context->cluster->now();
    x.checks_enabled &= view->has_quorum_contact();
    x.reunited = view->reunited();
  }
  return x;
}

void client_shard_state::on_tick(const caf::tick_atom&) {
  // A turn looks at some leases only; in between, what came meanwhile has its turn, and others
  // have.
  self->delayed_send(self, check_leases() ? check_pause : tick_interval, caf::tick_atom_v);
}

bool client_shard_state::check_leases() {
  auto now = context->clock.steady();
  if (now - last_tick > standstill) {
    spdlog::warn("shard-stood-still {}: no tick for {} ms, all leases get a fresh term", index,
                 to_ms(now - last_tick));
    renewed_at_least = now;
  }
  last_tick = now;
  if (recovery) {
    if (now - recovery->asked >= recovery_retry)
      ask_registry();
    return false;
  }
  if (context->cluster && !context->cluster->serves())
    return false; // what it holds of others is not complete yet, and so are the signs of life
  auto r = rules();
  auto lapses = table.due(now, r);
  auto stopped_beating = [](const lapse& x) {
    return x.what != lapse::kind::unsubscribed && x.lease->has_beaten;
  };
  bool any_stopped = std::any_of(lapses.begin(), lapses.end(), stopped_beating);
  if ((any_stopped || suspicion->is_suspicious()) && suspects_itself(r, now))
    std::erase_if(lapses, stopped_beating);
  std::size_t removed = 0;
  for (auto& x : lapses) {
    switch (x.what) {
      case lapse::kind::unhealthy:
        lapse_unhealthy(x.lease, r);
        break;
      case lapse::kind::removed:
        if (lapse_removed(x.lease, r) && ++removed <= removals_told)
          spdlog::info("instance-removed {} of {}: no beat for {} ms", x.lease->client.address(),
                       x.lease->service->full_name(), to_ms(now - x.lease->renewed.load()));
        break;
      case lapse::kind::unsubscribed:
        lapse_unsubscribed(x.lease);
        break;
    }
  }
  if (removed > removals_told)
    spdlog::info("instances-removed {} more: no beats; the history of each service names them",
                 removed - removals_told);
  count_clients();
  return table.has_due(now);
}

bool client_shard_state::suspects_itself(const lapse_rules& r, steady_time now) {
  std::size_t healthy = 0;
  std::size_t silent = 0;
  context->tables.leases.sample(silence_sample, [&](const lease& x) {
    if (x.responsible_elsewhere || x.exempt || !x.healthy || !x.has_beaten)
      return;
    ++healthy;
    // When the first one lapses, the others that fell silent with it have missed a beat.
    silent += now - r.term_starts(x) > x.beat_timeout.load() * 2 / 3 ? 1 : 0;
  });
  bool holds = suspicion->holds(silent, healthy, now);
  if (suspicion->is_new())
    spdlog::warn("shard-suspects-itself {}: {} of {} healthy clients are silent at once, they are "
                 "kept for a while",
                 index, silent, healthy);
  if (holds)
    lapsed_at_least = now;
  return holds;
}

void client_shard_state::lapse_unhealthy(const lease_ptr& lease, const lapse_rules& r) {
  // A beat may have come just now; from here on it sees that it has to go through the mailbox.
  bool stale = false;
  context->tables.leases.exclusively(lease, [&] {
    stale = context->clock.steady() - r.term_starts(*lease) > lease->beat_timeout.load();
    if (stale)
      lease->healthy = false;
  });
  auto known = table.find(lease->client, lease->service->view());
  if (stale && known)
    commit(with_health(*known, false), known, {stamp::kind::same}, {change_reason::beats_stopped},
           nullptr);
}

bool client_shard_state::lapse_removed(const lease_ptr& lease, const lapse_rules& r) {
  // From here on beats find nothing to renew.
  bool gone = context->tables.leases.erase_if(lease, [&] {
    return context->clock.steady() - r.term_starts(*lease) > lease->delete_timeout.load();
  });
  if (gone)
    retract(lease, {stamp::kind::same}, {change_reason::beats_stopped});
  return gone;
}

void client_shard_state::lapse_unsubscribed(const lease_ptr& lease) {
  table.remove_subscription(lease->client, lease->service->view());
  send_to_service(self, context, lease->service,
                  client_unsubscribe_service{lease, {change_reason::queries_stopped}});
}

void client_shard_state::count_clients() {
  auto count = [](gauge& all, std::size_t now, std::size_t& counted) {
    if (now != counted)
      all += static_cast<std::int64_t>(now) - static_cast<std::int64_t>(counted);
    counted = now;
  };
  auto& counters = context->counters;
  count(counters.clients, table.clients(), counted_clients);
  count(counters.persistent_clients, table.persistent_clients(), counted_persistent);
}

void client_shard_state::on_announce(const announce_changes&) { records->flush(); }

// -- status --------------------------------------------------------------------------------------

std::string client_shard_state::summary() const {
  return std::to_string(table.clients()) + " clients, " + std::to_string(table.publications())
         + " publications, " + std::to_string(table.subscriptions()) + " subscriptions"
         + (suspicion->is_suspicious() ? ", suspects itself" : "")
         + (recovery ? ", recovering" : "");
}

void client_shard_state::details(json_writer& out) const {
  out.field("clients", table.clients())
    .field("publications", table.publications())
    .field("subscriptions", table.subscriptions())
    .field("suspectsItself", suspicion->is_suspicious())
    .field("recovering", recovery != nullptr);
}

client_shard_actor::behavior_type
client_shard(client_shard_actor::stateful_pointer<client_shard_state> self,
             node_context_ptr context, std::size_t index, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context), index);
  return {
    on<&client_shard_state::on_register>(self),
    on<&client_shard_state::on_deregister>(self),
    on<&client_shard_state::on_revive>(self),
    on<&client_shard_state::on_subscribe>(self),
    on<&client_shard_state::on_refused>(self),
    on<&client_shard_state::on_service_asks_rows>(self),
    on<&client_shard_state::on_sync>(self),
    on<&client_shard_state::on_connection_superseded>(self),
    on<&client_shard_state::on_cluster_changed>(self),
    on<&client_shard_state::on_service_gives_rows>(self),
    on<&client_shard_state::on_recovery_started>(self),
    on<&client_shard_state::on_reassign>(self),
    on<&client_shard_state::on_announce>(self),
    on<&client_shard_state::on_tick>(self),
    on_status(self),
  };
}

} // namespace nacre
