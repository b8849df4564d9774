#pragma once

#include <memory>
#include <unordered_set>
#include <vector>

#include "actors/actor_base.hpp"
#include "actors/client_table.hpp"

namespace nacre {

class cluster_view;
struct replica;

/// State of a CLIENT SHARD: the rows of the ip:port clients whose id hashes to it.
struct client_shard_state : actor_state {
  static inline const char* name = "client-shard";

  explicit client_shard_state(client_shard_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, std::size_t index, bool recover);

  void on_register(register_instance& msg);
  void on_deregister(const deregister_instance& msg);
  void on_revive(const revive_instance& msg);
  void on_subscribe(const subscribe_client& msg);
  void on_refused(const publish_refused& msg);
  void on_replay(const replay& msg);
  void on_sync(sync_records& msg);
  void on_superseded(const superseded& msg);
  void on_cluster_changed(const cluster_changed& msg);
  void on_recalled(const recalled& msg);
  void on_recall_started(const recall_started& msg);
  void on_tick(const caf::tick_atom& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  /// A restarted shard gets its rows back from the services before it takes writes.
  struct recovering {
    std::uint64_t life = 0;
    std::optional<std::size_t> expected;
    std::size_t heard = 0;
    std::int64_t asked_ms = 0;
    std::vector<std::function<void()>> waiting;
  };

  /// Keeps a write for later while rows are still missing.
  template <class Message, class Handler>
  bool deferred(const Message& msg, Handler handler) {
    if (recovery)
      recovery->waiting.push_back([this, handler, kept = Message(msg)]() mutable {
        (this->*handler)(kept);
      });
    return recovery != nullptr;
  }

  // In client_shard_sync.cpp: what the cluster tells of clients.
  struct told_record;
  void merge(const std::string& from, instance_record& theirs, const ticket_ptr& done);
  /// Of a connection that this node itself is said to hold.
  void merge_own_connection(const std::string& from, const instance_record& theirs);
  void take_theirs(told_record& x, record_state state);
  void take_gone(const told_record& x, record_state state);
  void take_alive(told_record& x, record_state state);
  void drop_row(const lease_ptr& held_by, change_cause cause);
  void set_health(const publication_ptr& row, record_state state, std::int64_t version,
                  change_cause cause);
  /// Which of the clients that beat this node judges from now on.
  void divide_leases();
  void drop_lost(const replica& x);
  void drop_lost_connections();
  /// After a failure of this shard: its rows and the records of the cluster are made one again.
  void reconcile_records();
  bool takes_part(const client_id& client) const;

  void ask_registry();
  void finish_recovery();
  void send_publish(const publication_ptr& x, const publication_ptr& before, change_cause cause,
                    ticket_ptr answer);
  void lapse_unhealthy(const lease_ptr& held_by, const lapse_rules& rules);
  void lapse_removed(const lease_ptr& held_by, const lapse_rules& rules);
  void lapse_unsubscribed(const lease_ptr& held_by);
  lapse_rules rules() const;
  void count_clients();

  client_shard_actor::pointer self;
  node_context_ptr context;
  std::size_t index = 0;
  client_table table;
  std::unique_ptr<recovering> recovery;
  std::size_t counted_clients = 0;
  std::int64_t last_tick_ms = 0;
  /// Of the last division of leases; null in a standalone node.
  std::shared_ptr<const cluster_view> divided_by;
  /// Leases count as renewed at this time at least.
  std::int64_t renewed_at_least_ms = 0;
};

/// @param recover the shard failed before: get the rows back from the services
client_shard_actor::behavior_type
client_shard(client_shard_actor::stateful_pointer<client_shard_state> self,
             node_context_ptr context, std::size_t index, bool recover, actor_origin_ptr origin);

} // namespace nacre
