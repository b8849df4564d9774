// What a CLIENT SHARD does as part of a cluster: it takes what peers tell of clients, and judges
// those that this node is responsible for.
#include <spdlog/spdlog.h>

#include "actors/client_shard.hpp"
#include "actors/raise_to.hpp"
#include "actors/record_merge.hpp"
#include "actors/replication.hpp"
#include "actors/service.hpp"

namespace nacre {

namespace {

change_cause told_by(const std::string& peer) {
  return {change_reason::peer, std::make_shared<const std::string>(peer)};
}

bool is_fresh(record_state state, std::int64_t idle_ms, std::int64_t term_ms) {
  return state == record_state::healthy && idle_ms <= term_ms;
}

/// What the nodes know about the record apart from itself.
merge_facts facts_of(const cluster_view& view, const std::string& from, const client_id& client,
                     const replica* mine, const instance_record& theirs, std::int64_t now_ms) {
  merge_facts facts;
  if (client.kind == client_kind::remote_connection) {
    facts.sender_judges = from == theirs.origin;
    facts.origin_lost = view.is_lost({theirs.origin, theirs.origin_life});
    return facts;
  }
  auto judge = view.judge_of(client);
  facts.judged_here = judge == view.self();
  facts.sender_judges = judge == from;
  auto terms = theirs.instances.empty() ? lease_terms()
                                        : lease_terms_of(theirs.instances.front().metadata);
  facts.fresh = is_fresh(theirs.what.state, theirs.idle_ms, terms.beat_timeout_ms)
                || (mine
                    && is_fresh(mine->state, idle_of(*mine->held_by, now_ms),
                                mine->held_by->beat_timeout_ms));
  return facts;
}

} // namespace

/// A record that a peer told, beside what is known here of the same client and service.
struct client_shard_state::told_record {
  const std::string& from;
  instance_record& theirs;
  /// Let go of when readers see it.
  const ticket_ptr& done;
  client_id client;
  service_key_view service;
  std::optional<replica> mine;
  /// Null if there is no row.
  publication_ptr row;
  /// Of a connection; else null.
  record_origin_ptr origin;
};

bool client_shard_state::takes_part(const client_id& client) const {
  return context->shard_of(client) == index;
}

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
  if (key.connection && theirs.origin == cluster.self && theirs.origin_life == cluster.life)
    return merge_own_connection(from, theirs);
  auto client = client_of(key);
  if (!client)
    return;
  service_key_view service{key.namespace_id, key.group, key.service};
  told_record x{from, theirs, done, *client, service, cluster.replicas.find(*client, service),
                table.find(*client, service),
                key.connection ? cluster.origin(theirs.origin, theirs.origin_life) : nullptr};
  auto* mine = x.mine ? &*x.mine : nullptr;
  auto facts = facts_of(*cluster.now(), from, *client, mine, theirs, steady_ms(self));
  auto result = merge_record(mine ? merge_side{mine->version, mine->state} : merge_side{},
                             {theirs.what.version, theirs.what.state}, facts);
  if (x.row && is_fresh(theirs.what.state, theirs.idle_ms, x.row->held_by->beat_timeout_ms))
    raise_to(x.row->held_by->renewed_ms, steady_ms(self) - theirs.idle_ms);
  switch (result.keep) {
    case merge_result::content::theirs:
      take_theirs(x, result.state);
      break;
    case merge_result::content::mine:
      if (x.row && mine && mine->state != result.state)
        set_health(x.row, result.state, mine->version, told_by(from));
      break;
    case merge_result::content::mine_renewed:
      if (x.row)
        replicate(*context, x.row);
      break;
  }
  if (!mine)
    return;
  // Who heard of an earlier judgement has to hear of the new one.
  bool judged_anew = facts.judged_here && is_alive(result.state) && result.state != mine->state;
  if (judged_anew)
    tell_peers(*context, mine->held_by);
  else if (result.tell_sender)
    tell_peer(*context, from, mine->held_by);
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
    lease_ptr held_by = new lease(context->directory.shared_key(service), client, steady_ms(self));
    auto version = cluster.clock.next(steady_ms(self), theirs.what.version);
    replica gone{held_by, version, record_state::removed, nullptr, nullptr, steady_ms(self)};
    cluster.replicas.put_if_newer(gone);
    mine = std::move(gone);
  }
  tell_peer(*context, from, mine->held_by);
}

void client_shard_state::take_theirs(told_record& x, record_state state) {
  bool beats = x.client.kind == client_kind::ephemeral;
  if (is_alive(state) && beats && x.theirs.instances.empty())
    state = record_state::removed; // a client that beats is its one instance
  if (is_alive(state))
    take_alive(x, state);
  else
    take_gone(x, state);
}

void client_shard_state::take_gone(const told_record& x, record_state state) {
  auto now = steady_ms(self);
  auto held_by = x.row ? x.row->held_by
                       : lease_ptr(new lease(context->directory.shared_key(x.service), x.client,
                                             now));
  context->cluster->replicas.put(
    {held_by, x.theirs.what.version, state, nullptr, x.origin, now});
  if (x.row)
    drop_row(held_by, told_by(x.from));
}

void client_shard_state::take_alive(told_record& x, record_state state) {
  auto& told = x.theirs.instances;
  instance_list instances(std::make_move_iterator(told.begin()),
                          std::make_move_iterator(told.end()));
  bool beats = x.client.kind == client_kind::ephemeral;
  auto now = steady_ms(self);
  auto held_by = x.row ? x.row->held_by : nullptr;
  if (!held_by) {
    bool judged = beats && context->cluster->now()->judged_here(x.client);
    held_by = new lease(context->directory.shared_key(x.service), x.client,
                        now - x.theirs.idle_ms,
                        beats ? lease_terms_of(instances.front().metadata) : lease_terms());
    held_by->terms_from_ms = now; // of whom this node becomes responsible for
    held_by->judged_elsewhere = !judged;
  }
  if (beats) {
    instances.front().healthy = state == record_state::healthy;
    held_by->healthy = instances.front().healthy;
  }
  auto published = make_publication(held_by, std::move(instances));
  bool same = x.row && same_publication(*x.row, *published);
  if (same)
    published = x.row;
  context->cluster->replicas.put({held_by, x.theirs.what.version, state, published, x.origin});
  if (same)
    return;
  table.put(published, now);
  if (beats && !x.row)
    context->leases.insert(held_by);
  send_publish(published, x.row, told_by(x.from), x.done);
}

void client_shard_state::drop_row(const lease_ptr& held_by, change_cause cause) {
  table.remove(held_by->client, held_by->service->view());
  context->leases.erase(held_by);
  send_to_service(self, context, held_by->service, withdraw{held_by, std::move(cause), nullptr});
}

void client_shard_state::set_health(const publication_ptr& row, record_state state,
                                    std::int64_t version, change_cause cause) {
  bool healthy = state == record_state::healthy;
  row->held_by->healthy = healthy;
  auto x = with_health(*row, healthy);
  table.put(x, steady_ms(self));
  context->cluster->replicas.put({row->held_by, version, state, x});
  send_publish(x, row, std::move(cause), nullptr);
}

// -- the cluster changes -------------------------------------------------------------------------

void client_shard_state::on_cluster_changed(const cluster_changed& msg) {
  if (deferred(msg, &client_shard_state::on_cluster_changed))
    return;
  if (msg.ring)
    divide_leases();
  if (msg.losses)
    drop_lost_connections();
}

void client_shard_state::divide_leases() {
  auto before = std::exchange(divided_by, context->cluster->now());
  auto now = steady_ms(self);
  auto silent_ms = context->options.cluster.silent_clients_after.count();
  auto is_silent = [](const member& x) { return x.state == member_state::down && !x.dead; };
  auto& members = divided_by->members();
  bool any_silent = std::any_of(members.begin(), members.end(), is_silent);
  table.for_each_publication([&](const publication_ptr& x) {
    auto& held_by = *x->held_by;
    if (held_by.client.kind != client_kind::ephemeral)
      return;
    bool here = divided_by->judged_here(held_by.client);
    bool taken_over = here && held_by.judged_elsewhere;
    held_by.judged_elsewhere = !here;
    // Patience with a silent judge ends when it is heard again.
    if (here && !any_silent && held_by.terms_from_ms > now)
      held_by.terms_from_ms = now;
    if (!taken_over)
      return;
    // A full fresh term. Of a judge that is merely silent the clients may still beat there.
    auto judge = divided_by->find(before->judge_of(held_by.client));
    bool silent = judge && is_silent(*judge);
    auto patience = silent ? std::max<std::int64_t>(silent_ms - held_by.delete_timeout_ms, 0) : 0;
    held_by.terms_from_ms = now + patience;
    table.look_after(x->held_by, now);
  });
}

void client_shard_state::on_superseded(const superseded& msg) {
  if (deferred(msg, &client_shard_state::on_superseded))
    return;
  auto& cluster = *context->cluster;
  auto x = cluster.replicas.find(msg.held_by->client, msg.held_by->service->view());
  if (x && x->origin && is_alive(x->state) && !cluster.now()->is_alive(*x->origin))
    drop_lost(*x);
}

/// The node of a connection is gone, and so is what it held.
void client_shard_state::drop_lost(const replica& x) {
  context->cluster->replicas.put(
    {x.held_by, x.version, record_state::lapsed, nullptr, x.origin, steady_ms(self)});
  drop_row(x.held_by,
           {change_reason::peer_lost, std::make_shared<const std::string>(x.origin->node)});
}

void client_shard_state::drop_lost_connections() {
  auto& cluster = *context->cluster;
  auto view = cluster.now();
  std::size_t dropped = 0;
  cluster.replicas.for_each([&](const replica& x) {
    if (!x.origin || !is_alive(x.state) || !takes_part(x.held_by->client)
        || !view->is_lost(*x.origin))
      return;
    drop_lost(x);
    ++dropped;
  });
  if (dropped > 0)
    spdlog::info("connections-lost: {} publications of lost nodes are gone (shard {})", dropped,
                 index);
  count_clients();
}

void client_shard_state::reconcile_records() {
  auto& cluster = *context->cluster;
  auto now = steady_ms(self);
  cluster.replicas.for_each([&](const replica& x) {
    auto& client = x.held_by->client;
    if (client.kind == client_kind::connection || !takes_part(client))
      return;
    auto row = table.find(client, x.held_by->service->view());
    if (row == x.what)
      return;
    if (!x.what)
      return drop_row(row->held_by, {change_reason::restart});
    table.put(x.what, now);
    if (client.kind == client_kind::ephemeral)
      context->leases.insert(x.what->held_by);
    send_publish(x.what, row, {change_reason::restart}, nullptr);
  });
  std::vector<publication_ptr> unknown;
  table.for_each_publication([&](const publication_ptr& x) {
    if (!cluster.replicas.find(x->held_by->client, x->held_by->service->view()))
      unknown.push_back(x);
  });
  for (auto& x : unknown)
    replicate(*context, x);
  divide_leases();
  drop_lost_connections();
}

} // namespace nacre
