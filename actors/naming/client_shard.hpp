#pragma once

#include <memory>
#include <vector>

#include "actors/actor_base.hpp"
#include "actors/base/self_suspicion.hpp"
#include "actors/distro/replication.hpp"
#include "actors/naming/client_table.hpp"

namespace nacre {

/// State of a CLIENT SHARD: the ip:port clients whose id hashes to it, and the clients of other
/// nodes' connections.
///
/// What a client publishes stands in four places: a row in the table, a lease (beats renew it), a
/// record (peers are told of it) and the service (readers see it). `commit` and `retract` keep the
/// four in step; nothing else touches more than one of them.
struct client_shard_state : actor_state {
  static constexpr const char* name = "client-shard";

  explicit client_shard_state(client_shard_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, std::size_t index);

  void on_register(register_instance& msg);
  void on_deregister(const deregister_instance& msg);
  void on_revive(const revive_instance& msg);
  void on_subscribe(const subscribe_client& msg);
  void on_refused(const publish_refused& msg);
  void on_service_asks_rows(const service_asks_rows& msg);
  void on_sync(sync_records& msg);
  void on_connection_superseded(const connection_superseded& msg);
  void on_cluster_changed(const cluster_changed& msg);
  void on_service_gives_rows(const service_gives_rows& msg);
  void on_recovery_started(const shard_recovery_started& msg);
  void on_reassign(const reassign_more& msg);
  void on_announce(const announce_changes& msg);
  void on_tick(const caf::tick_atom& msg);

  std::string key() const { return std::to_string(index); }
  std::string summary() const;
  void details(json_writer& out) const;

private:
  /// A restarted shard gets its rows back from the services before it takes writes.
  struct recovering {
    std::uint64_t attempt = 0;
    std::optional<std::size_t> expected;
    std::size_t heard = 0;
    steady_time asked{};
    std::vector<std::function<void()>> waiting;
  };

  /// What a change makes of the record of the publication.
  struct stamp {
    enum class kind : std::uint8_t {
      /// The client changed something: a new version.
      next,
      /// The client did not: peers hear of its health at most.
      same,
      /// A peer told it.
      told,
    };
    kind how = kind::next;
    // Of `told`:
    std::int64_t version = 0;
    record_state state = record_state::healthy;
    connection_owner_ptr owner = nullptr;
  };

  /// Keeps a write for later while rows are still missing.
  template <class Message, class Handler>
  bool deferred(const Message& msg, Handler handler) {
    if (recovery)
      recovery->waiting.push_back(
        [this, handler, kept = Message(msg)]() mutable { (this->*handler)(kept); });
    return recovery != nullptr;
  }

  /// The one way a publication gets in or changes: row, lease, record, service.
  /// @param before what the row holds, null if there is none
  void commit(const publication_ptr& row, const publication_ptr& before, const stamp& as,
              change_cause cause, ticket_ptr answer);
  /// The one way a publication gets out: row, lease, record, service.
  void retract(const lease_ptr& lease, const stamp& as, change_cause cause,
               ticket_ptr answer = nullptr);
  /// As `retract`, when the service does not have it.
  void forget(const lease_ptr& lease, const stamp& as);
  void record(const publication_ptr& row, const publication_ptr& before, const stamp& as);

  void ask_registry();
  void finish_recovery();
  lease_ptr open_lease(const client_id& client, const service_ref& service, const instance& what);
  /// @returns whether more are to be looked at at once
  bool check_leases();
  void lapse_unhealthy(const lease_ptr& lease, const lapse_rules& rules);
  /// @returns whether it is gone
  bool lapse_removed(const lease_ptr& lease, const lapse_rules& rules);
  void lapse_unsubscribed(const lease_ptr& lease);
  lapse_rules rules() const;
  /// Whether so many fell silent at once that the reason is likely to be here.
  bool suspects_itself(const lapse_rules& rules, steady_time now);
  void count_clients();

  // In client_shard_sync.cpp: what the cluster tells of clients.
  struct incoming_record;
  void merge(const std::string& from, instance_record& theirs, const ticket_ptr& done);
  /// Of a connection that this node itself is said to hold.
  void merge_own_connection(const std::string& from, const instance_record& theirs);
  void take_theirs(incoming_record& x, record_state state);
  void take_gone(const incoming_record& x, record_state state);
  void take_alive(incoming_record& x, record_state state);
  void set_health(const publication_ptr& row, record_state state, std::int64_t version,
                  change_cause cause);
  /// Other nodes are responsible for clients from now on.
  void reassign_responsibility();
  void reassign(const lease_ptr& lease, steady_time now);
  void drop_lost(const replica& x);
  void drop_lost_connections();
  // Both go on a part at a time, until they have seen all.
  void reassign_some();
  void drop_some();
  void walk_on();
  /// After a failure of this shard: its rows and the records of the cluster are made one again.
  void reconcile_records();
  bool takes_part(const client_id& client) const { return context->shard_of(client) == index; }

  client_shard_actor::pointer self;
  node_context_ptr context;
  std::size_t index = 0;
  client_table table;
  std::optional<replicator> records;
  std::unique_ptr<recovering> recovery;
  std::size_t counted_clients = 0;
  std::size_t counted_persistent = 0;
  steady_time last_tick{};
  /// By which leases were assigned last; null in a standalone node.
  cluster_view_ptr assigned_by;
  /// Leases of which not all say so yet, and by which view the others were assigned.
  struct reassignment {
    cluster_view_ptr before;
    client_table::walk at;
  };
  std::optional<reassignment> reassigning;
  /// How far a look for connections of lost nodes has come.
  struct loss_walk {
    std::size_t bucket = 0;
    std::size_t dropped = 0;
  };
  std::optional<loss_walk> dropping;
  /// The message that goes on with either is under way.
  bool walks_on = false;
  /// Leases count as renewed at this time at least.
  steady_time renewed_at_least{};
  std::optional<self_suspicion> suspicion;
  steady_time lapsed_at_least = never;
};

/// One that takes the place of a failed one gets its rows back from the services.
client_shard_actor::behavior_type
client_shard(client_shard_actor::stateful_pointer<client_shard_state> self,
             node_context_ptr context, std::size_t index, birth_ptr birth);

} // namespace nacre
