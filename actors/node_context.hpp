#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/base/cell.hpp"
#include "actors/base/gauge.hpp"
#include "actors/base/node_clock.hpp"
#include "actors/base/port_counters.hpp"
#include "actors/base/snowflake.hpp"
#include "actors/base/stall_log.hpp"
#include "actors/interfaces.hpp"
#include "actors/tables/address_budget.hpp"
#include "actors/tables/connection_table.hpp"
#include "actors/tables/directory.hpp"
#include "actors/tables/history.hpp"
#include "actors/tables/lease.hpp"
#include "actors/tables/memory_budget.hpp"
#include "actors/tables/metadata_store.hpp"
#include "actors/tables/store_view.hpp"
#include "actors/tables/udp_targets.hpp"
#include "config/options.hpp"
#include "protocol/naming_rules.hpp"

namespace nacre {

/// Sends datagrams to subscribers; given to UDP PUSH from the edge. Any thread, never blocks.
class datagram_sink {
public:
  virtual ~datagram_sink() = default;

  /// `ip` is a numeric address. Failures to send are not told: an ack tells of success.
  virtual void send(const std::string& ip, std::uint16_t port,
                    std::shared_ptr<const std::string> datagram) = 0;
};

/// Numbers that many actors add to and operators read (Nacos `MetricsMonitor`).
struct node_counters {
  gauge instances;
  gauge subscribers;
  /// Of the shards: ip:port clients, connections of other nodes.
  gauge clients;
  /// Those of them whose instances are kept without beats.
  gauge persistent_clients;
  gauge http_connections;
  /// Of the port for SDKs.
  port_counters grpc_port;
  /// The HTTP listener can't take connections for want of descriptors.
  std::atomic<bool> descriptors_scarce{false};
  /// The disk of the STORE fails, so that nothing can be agreed on.
  std::atomic<bool> store_fails{false};
  std::atomic<std::uint64_t> pushes{0};
  std::atomic<std::uint64_t> pushes_acked{0};
  std::atomic<std::uint64_t> pushes_failed{0};
  std::atomic<std::uint64_t> pushes_empty{0};
  std::atomic<std::int64_t> push_cost_ms_total{0};
  std::atomic<std::int64_t> push_cost_ms_max{-1};

  /// A push was acknowledged `cost` after the change it tells of.
  void count_acked(milliseconds cost) {
    ++pushes_acked;
    push_cost_ms_total += to_ms(cost);
    if (to_ms(cost) > push_cost_ms_max)
      push_cost_ms_max = to_ms(cost);
  }
  /// Number of the last datagram; outlives the PUSH ENGINE, whose numbers must not repeat.
  std::atomic<std::int64_t> last_packet_ref_time{0};
  /// Number of the last attempt of a restarted CLIENT SHARD to get its rows back.
  std::atomic<std::uint64_t> last_attempt{0};
  /// Number of the last request to a gRPC client; one counter for all connections.
  std::atomic<std::uint64_t> last_request_id{0};
};

struct cluster_context;
class store_disk;
struct stored_contents;

/// What any thread reads and one actor writes, each table as it says.
struct node_tables {
  nacre::directory directory;
  lease_table leases;
  connection_table connections;
  metadata_store store;
  history_book history;
  snowflake_ids instance_ids;
  udp_targets targets;
  /// Bytes of answers and pushes that clients have not taken yet.
  address_budget answers;
  /// Bytes of HTTP requests of which not all has come yet.
  address_budget bodies;
  memory_budget memory;
  stall_log stalls;

  explicit node_tables(const nacre::options& opts);
};

/// The present handles of actors, which their supervisors replace. Those of services, connections
/// and peers are with what they are about.
struct node_actors {
  explicit node_actors(std::size_t shards_count) : shards(shards_count) {}

  cell<node_actor> node;
  cell<inspector_actor> inspector;
  cell<service_registry_actor> registry;
  std::vector<cell<client_shard_actor>> shards;
  cell<metadata_keeper_actor> metadata;
  cell<health_check_actor> health;
  cell<store_actor> store;
  cell<store_writer_actor> store_writer;
  cell<push_engine_actor> push_engine;
  cell<udp_push_actor> udp_push;
  cell<connection_registry_actor> connection_registry;
  cell<fuzzy_watch_actor> fuzzy_watch;
};

/// What every actor of one node is given at spawn: options, clocks, the tables, handles
/// of neighbours. One per node, so a whole cluster fits in one process.
struct node_context {
  /// @param machine where the time comes from; tests put their own clocks in
  node_context(nacre::options opts, std::size_t shards_count, clock_source machine = {});

  const nacre::options options;
  const param_check checks;
  node_clock clock;

  /// The `lastRefTime` of a list or push made now. In a cluster it is also above what other nodes
  /// told so far, because clients move between nodes and ignore what seems older.
  wall_time next_ref_time() const;

  /// Whether clients may still be on their way back after a restart of the node.
  bool warming_up(steady_time now) const { return now < warm_from(); }
  steady_time warm_from() const { return started.load() + options.push.warm_up; }
  /// When the root started first.
  std::atomic<steady_time> started{never};

  node_tables tables;
  node_actors actors;
  node_counters counters;
  /// Null in tests without a network.
  std::shared_ptr<datagram_sink> datagrams;
  /// This node's own address; empty in tests.
  std::string own_ip;
  /// Null in tests without a network: nothing is probed.
  std::shared_ptr<nacre::prober> prober;
  /// Null in a standalone node.
  std::shared_ptr<cluster_context> cluster;
  /// Where the STORE keeps what must not be forgotten. Only for the STORE WRITER once the node
  /// runs.
  std::shared_ptr<store_disk> disk;
  /// What was read of it before the node began; the first who wants it gets it.
  std::shared_ptr<stored_contents> read_from_disk;
  /// Random, another one whenever a node begins: writes of different lives are told apart by it.
  std::uint64_t life = 0;
  /// Actors that wait for the disk have threads of their own; not in virtual time.
  bool has_threads_for_disk = false;
  /// Readers see what was agreed on, as far as it is known here.
  std::atomic<bool> shows_agreed_state{false};
  /// Null until the node belongs to a group.
  cell<store_view_ptr> agreeing_group;

  std::size_t shard_of(const client_id& client) const {
    return client.hash() % actors.shards.size();
  }
  client_shard_actor shard(const client_id& client) const {
    return actors.shards[shard_of(client)].get();
  }
};

using node_context_ptr = std::shared_ptr<node_context>;

/// What a write at the bound of services is answered.
outcome services_limit_reached(const node_context& context);

/// Whether a client's `now` may take the place of `before` (null: it had nothing there). What makes
/// the node hold no more always may.
outcome admit_instances(node_context& context, const publication* before, const instance_list& now);

/// Whether a client may subscribe like this, as well as `before` (null: it did not yet).
outcome admit_subscription(node_context& context, const subscriber* before,
                           const std::string& clusters);

} // namespace nacre
