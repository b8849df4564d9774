// What a CLIENT SHARD does as part of a cluster: it takes what peers tell of clients, and says
// whether those live that this node is responsible for.
#include <spdlog/spdlog.h>

#include "actors/base/fetch_max.hpp"
#include "actors/distro/record_merge.hpp"
#include "actors/naming/client_shard.hpp"
#include "actors/naming/service.hpp"

namespace nacre {

namespace {

/// Rows that are looked at in one turn when other nodes become responsible, and records when some
/// are lost: about 1 ms.
constexpr std::size_t walked_at_once = 2'000;
constexpr milliseconds walk_pause{1};

bool is_silent(const member& x) { return x.state == member_state::down && !x.dead; }

change_cause caused_by(const std::string& peer) {
  return {change_reason::peer, std::make_shared<const std::string>(peer)};
}

bool is_fresh(record_state state, milliseconds idle, milliseconds term) {
  return state == record_state::healthy && idle <= term;
}

/// What the nodes know about the record apart from itself.
merge_facts facts_of(const cluster_view& view, const std::string& from, const client_id& client,
                     const replica* mine, const instance_record& theirs, steady_time now) {
  merge_facts facts;
  if (client.kind == client_kind::remote_connection) {
    facts.sender_is_responsible = from == theirs.owner;
    facts.owner_lost = view.is_lost({theirs.owner, theirs.owner_incarnation});
    return facts;
  }
  auto responsible = view.responsible_for(client);
  facts.is_responsible = responsible == view.self();
  facts.sender_is_responsible = responsible == from;
  auto terms =
    theirs.instances.empty() ? lease_terms() : lease_terms_of(theirs.instances.front().metadata);
  facts.fresh =
    is_fresh(theirs.what.state, milliseconds(theirs.idle_ms), milliseconds(terms.beat_timeout_ms))
    || (mine
        && is_fresh(mine->state, idle_of(*mine->lease, now), mine->lease->beat_timeout.load()));
  return facts;
}

} // namespace

/// A record that a peer told, beside what is known here of the same client and service.
struct client_shard_state::incoming_record {
  const std::string& from;
  instance_record& theirs;
  /// Released when readers see it.
  const ticket_ptr& done;
  client_id client;
  service_key_view service;
  std::optional<replica> mine;
  /// Null if there is no row.
  publication_ptr row;
  /// Of a connection; else null.
  connection_owner_ptr owner;
};

void client_shard_state::on_sync(sync_records& msg) {
  if (deferred(msg, &client_shard_state::on_sync))
    return;
  for (auto& x : msg.records)
    merge(msg.from, x, msg.done);
  count_clients();
}

void client_shard_state::merge(const std::string& from, instance_record& theirs,
                               const ticket_ptr& done) {
  auto& cluster = *context->cluster;
  auto& key = theirs.what.key;
  auto view = cluster.now();
  if (key.connection && theirs.owner == cluster.self
      && theirs.owner_incarnation == view->incarnation())
    return merge_own_connection(from, theirs);
  auto client = client_of(key);
  if (!client)
    return;
  service_key_view service{key.namespace_id, key.group, key.service};
  incoming_record x{from,
                    theirs,
                    done,
                    *client,
                    service,
                    cluster.replicas.find(*client, service),
                    table.find(*client, service),
                    key.connection ? cluster.owner(theirs.owner, theirs.owner_incarnation)
                                   : nullptr};
  auto* mine = x.mine ? &*x.mine : nullptr;
  auto facts = facts_of(*view, from, *client, mine, theirs, context->clock.steady());
  auto result = merge_record(mine ? merge_side{mine->version, mine->state} : merge_side{},
                             {theirs.what.version, theirs.what.state}, facts);
  milliseconds idle(theirs.idle_ms);
  if (x.row && is_fresh(theirs.what.state, idle, x.row->lease->beat_timeout.load()))
    fetch_max(x.row->lease->renewed, context->clock.steady() - idle);
  switch (result.keep) {
    case merge_result::content::theirs:
      take_theirs(x, result.state);
      break;
    case merge_result::content::mine:
      if (x.row && mine && mine->state != result.state)
        set_health(x.row, result.state, mine->version, caused_by(from));
      break;
    case merge_result::content::mine_renewed:
      if (x.row)
        records->changed(x.row);
      break;
  }
  if (!mine)
    return;
  // Peers that learned the old verdict must learn the new one.
  bool new_verdict = facts.is_responsible && is_alive(result.state) && result.state != mine->state;
  if (new_verdict)
    records->announce(mine->lease);
  else if (result.tell_sender)
    records->announce_to(from, mine->lease);
}

void client_shard_state::merge_own_connection(const std::string& from,
                                              const instance_record& theirs) {
  auto& cluster = *context->cluster;
  auto& key = theirs.what.key;
  client_id client{key.client, 0, client_kind::connection};
  service_key_view service{key.namespace_id, key.group, key.service};
  auto mine = cluster.replicas.find(client, service);
  if (!is_alive(theirs.what.state) && !mine)
    return;
  bool known = mine && (mine->version >= theirs.what.version);
  if (!known) {
    // The peer believes in something that this node, which alone can know, does not.
    lease_ptr lease =
      make_lease(context->tables.directory.shared_key(service), client, context->clock.steady());
    auto version = context->clock.common.next(context->clock.steady(), theirs.what.version);
    replica gone{lease, version, record_state::removed, nullptr, nullptr, context->clock.steady()};
    cluster.replicas.put_if_newer(gone);
    mine = std::move(gone);
  }
  records->announce_to(from, mine->lease);
}

void client_shard_state::take_theirs(incoming_record& x, record_state state) {
  bool beats = x.client.kind == client_kind::ephemeral;
  if (is_alive(state) && beats && x.theirs.instances.empty())
    state = record_state::removed; // a client that beats is its one instance
  if (is_alive(state))
    take_alive(x, state);
  else
    take_gone(x, state);
}

void client_shard_state::take_gone(const incoming_record& x, record_state state) {
  stamp told{stamp::kind::told, x.theirs.what.version, state, x.owner};
  if (x.row)
    return retract(x.row->lease, told, caused_by(x.from));
  auto now = context->clock.steady();
  auto lease = make_lease(context->tables.directory.shared_key(x.service), x.client, now);
  context->cluster->replicas.put({lease, told.version, state, nullptr, x.owner, now});
}

void client_shard_state::take_alive(incoming_record& x, record_state state) {
  auto& cluster = *context->cluster;
  auto& told = x.theirs.instances;
  instance_list instances(std::make_move_iterator(told.begin()),
                          std::make_move_iterator(told.end()));
  bool beats = x.client.kind == client_kind::ephemeral;
  auto now = context->clock.steady();
  auto lease = x.row ? x.row->lease : nullptr;
  if (!lease) {
    lease = make_lease(context->tables.directory.shared_key(x.service), x.client,
                       now - milliseconds(x.theirs.idle_ms),
                       beats ? lease_terms_of(instances.front().metadata) : lease_terms());
    lease->term_starts = now; // for clients that this node becomes responsible for
    lease->responsible_elsewhere = !beats || !cluster.now()->is_responsible(x.client);
  }
  if (beats) {
    instances.front().healthy = state == record_state::healthy;
    lease->healthy = instances.front().healthy;
  }
  auto row = make_publication(lease, std::move(instances));
  stamp as{stamp::kind::told, x.theirs.what.version, state, x.owner};
  if (x.row && same_publication(*x.row, *row))
    cluster.replicas.put({lease, as.version, state, x.row, x.owner});
  else
    commit(row, x.row, as, caused_by(x.from), x.done);
}

void client_shard_state::set_health(const publication_ptr& row, record_state state,
                                    std::int64_t version, change_cause cause) {
  bool healthy = state == record_state::healthy;
  row->lease->healthy = healthy;
  commit(with_health(*row, healthy), row, {stamp::kind::told, version, state}, std::move(cause),
         nullptr);
}

// -- the cluster changes -------------------------------------------------------------------------

void client_shard_state::on_cluster_changed(const cluster_changed& msg) {
  if (deferred(msg, &client_shard_state::on_cluster_changed))
    return;
  if (msg.ring)
    reassign_responsibility();
  if (msg.losses)
    drop_lost_connections();
}

void client_shard_state::reassign_responsibility() {
  while (reassigning) // what a client had before this would be forgotten
    reassign_some();
  reassigning = {std::exchange(assigned_by, context->cluster->now()), {}};
  reassign_some();
  walk_on();
}

void client_shard_state::reassign_some() {
  auto now = context->clock.steady();
  auto assign = [&](const publication_ptr& x) { reassign(x->lease, now); };
  if (!table.walk_ephemeral(reassigning->at, walked_at_once, assign))
    reassigning.reset();
}

void client_shard_state::walk_on() {
  if ((reassigning || dropping) && !std::exchange(walks_on, true))
    self->delayed_send(self, walk_pause, reassign_more{}); // other actors have their turns
}

void client_shard_state::on_reassign(const reassign_more&) {
  walks_on = false;
  if (reassigning)
    reassign_some();
  if (dropping)
    drop_some();
  walk_on();
}

void client_shard_state::reassign(const lease_ptr& lease, steady_time now) {
  bool here = assigned_by->is_responsible(lease->client);
  bool taken_over = here && lease->responsible_elsewhere;
  lease->responsible_elsewhere = !here;
  // Patience with a silent node ends when it is heard again.
  auto& members = assigned_by->members();
  if (here && lease->term_starts.load() > now
      && std::none_of(members.begin(), members.end(), is_silent))
    lease->term_starts = now;
  if (!taken_over)
    return;
  // A full fresh term. Clients of a node that is only silent may still be beating there.
  auto responsible = assigned_by->find(reassigning->before->responsible_for(lease->client));
  milliseconds patience{0};
  if (responsible && is_silent(*responsible))
    patience = std::max(patience, context->options.cluster.silent_clients_after
                                    - lease->delete_timeout.load());
  lease->term_starts = now + patience;
  table.schedule_check(lease, now);
}

void client_shard_state::on_connection_superseded(const connection_superseded& msg) {
  if (deferred(msg, &client_shard_state::on_connection_superseded))
    return;
  auto& cluster = *context->cluster;
  auto x = cluster.replicas.find(msg.lease->client, msg.lease->service->view());
  if (x && x->owner && is_alive(x->state) && !cluster.now()->is_alive(*x->owner))
    drop_lost(*x);
}

/// The node of a connection is gone, and so is what it held.
void client_shard_state::drop_lost(const replica& x) {
  retract(x.lease, {stamp::kind::told, x.version, record_state::lapsed, x.owner},
          {change_reason::peer_lost, std::make_shared<const std::string>(x.owner->node)});
}

void client_shard_state::drop_lost_connections() {
  dropping = {0, dropping ? dropping->dropped : 0};
  drop_some();
  walk_on();
}

void client_shard_state::drop_some() {
  auto& cluster = *context->cluster;
  auto view = cluster.now();
  for (std::size_t seen = 0; seen < walked_at_once; ++dropping->bucket) {
    if (dropping->bucket == replica_table::buckets_count) {
      if (dropping->dropped > 0)
        spdlog::info("connections-lost: {} publications of lost nodes are gone (shard {})",
                     dropping->dropped, index);
      dropping.reset();
      break;
    }
    for (auto& x : cluster.replicas.bucket(dropping->bucket)) {
      ++seen;
      if (x.owner && is_alive(x.state) && takes_part(x.lease->client) && view->is_lost(*x.owner)) {
        drop_lost(x);
        ++dropping->dropped;
      }
    }
  }
  count_clients();
}

void client_shard_state::reconcile_records() {
  auto& cluster = *context->cluster;
  cluster.replicas.for_each([&](const replica& x) {
    auto& client = x.lease->client;
    if (client.kind == client_kind::connection || !takes_part(client))
      return;
    auto row = table.find(client, x.lease->service->view());
    if (row == x.what)
      return;
    stamp as{stamp::kind::told, x.version, x.state, x.owner};
    if (x.what)
      commit(x.what, row, as, {change_reason::restart}, nullptr);
    else
      retract(row->lease, as, {change_reason::restart});
  });
  std::vector<publication_ptr> unknown;
  table.for_each_publication([&](const publication_ptr& x) {
    if (!cluster.replicas.find(x->lease->client, x->lease->service->view()))
      unknown.push_back(x);
  });
  for (auto& x : unknown)
    records->changed(x);
  reassign_responsibility();
  drop_lost_connections();
}

} // namespace nacre
