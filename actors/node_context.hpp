#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/clocks.hpp"
#include "actors/connection_table.hpp"
#include "actors/directory.hpp"
#include "actors/history.hpp"
#include "actors/interfaces.hpp"
#include "actors/lease.hpp"
#include "actors/metadata_store.hpp"
#include "config/options.hpp"

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
  std::atomic<std::int64_t> instances{0};
  std::atomic<std::int64_t> subscribers{0};
  std::atomic<std::int64_t> clients{0};
  std::atomic<std::uint64_t> pushes{0};
  std::atomic<std::uint64_t> pushes_acked{0};
  std::atomic<std::uint64_t> pushes_failed{0};
  std::atomic<std::uint64_t> pushes_empty{0};
  std::atomic<std::int64_t> push_cost_ms_total{0};
  std::atomic<std::int64_t> push_cost_ms_max{-1};

  /// A push was acknowledged `cost_ms` after the change it tells of.
  void count_acked(std::int64_t cost_ms) {
    ++pushes_acked;
    push_cost_ms_total += cost_ms;
    if (cost_ms > push_cost_ms_max)
      push_cost_ms_max = cost_ms;
  }
  /// Number of the last datagram; outlives the PUSH ENGINE, whose numbers must not repeat.
  std::atomic<std::int64_t> last_packet_ref_time{0};
  /// Number of the last request to a gRPC client; one counter for all connections.
  std::atomic<std::uint64_t> last_request_id{0};
};

struct cluster_context;

/// What every actor of one node is given at spawn: options, the concurrent tables, handles of
/// neighbours. One per node, so a whole cluster fits in one process.
struct node_context {
  node_context(nacre::options opts, std::size_t shards_count);
  ~node_context();

  const nacre::options options;
  /// Wall clock in ms; tests put their own in.
  std::function<std::int64_t()> wall_ms = wall_now_ms;

  /// The steady clock in ms, for those who are no actors; tests put their own in.
  std::function<std::int64_t()> steady_ms = steady_now_ms;

  /// The time that lists and pushes carry: also above what other nodes of the cluster told so far,
  /// because clients move between nodes and ignore what seems older.
  std::int64_t list_ms() const;

  /// Whether clients may still be on their way back after a restart of the node.
  bool warming_up(std::int64_t steady_now_ms) const {
    return steady_now_ms - started_ms < options.push.warm_up.count();
  }
  /// When the root started first, ms of the steady clock.
  std::atomic<std::int64_t> started_ms{0};

  nacre::directory directory;
  lease_table leases;
  history_book history;
  metadata_store store;
  node_counters counters;
  /// Null in tests without a network.
  std::shared_ptr<datagram_sink> datagrams;

  connection_table connections;
  /// Null in a standalone node.
  std::unique_ptr<cluster_context> cluster;

  handle_cell<node_actor> node;
  handle_cell<service_registry_actor> registry;
  handle_cell<push_engine_actor> push_engine;
  handle_cell<udp_push_actor> udp_push;
  handle_cell<metadata_actor> metadata;
  handle_cell<inspector_actor> inspector;
  handle_cell<connection_registry_actor> connection_registry;
  handle_cell<fuzzy_watch_actor> fuzzy_watch;
  std::vector<handle_cell<client_shard_actor>> shards;

  std::size_t shard_of(const client_id& client) const { return client.hash() % shards.size(); }
  client_shard_actor shard(const client_id& client) const {
    return shards[shard_of(client)].get();
  }
};

using node_context_ptr = std::shared_ptr<node_context>;

/// What a write at the bound of services or instances is answered.
outcome services_limit_reached(const node_context& context);
outcome instances_limit_reached(const node_context& context);

/// What a write is answered whose effect the nodes of a cluster could not agree on: it needs the
/// replicated store, which this version has not.
outcome not_replicated(std::string_view what);

/// The steady clock of an actor in ms: virtual in tests.
template <class Self>
std::int64_t steady_ms(Self* self) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           self->clock().now().time_since_epoch())
    .count();
}

} // namespace nacre
