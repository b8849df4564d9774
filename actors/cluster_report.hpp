#pragma once

#include <vector>

#include "actors/cluster_view.hpp"
#include "protocol/json_writer.hpp"

/// The cluster as operators read it, in JSON (`GET /nacre/admin/cluster`). Pure, any thread.
namespace nacre {

/// A peer's wire, lag, pending changes and last verify.
void write_peer(json_writer& out, const cluster_peer& peer, std::int64_t now_ms);

/// This node, the ring, and every member with what is exchanged with it.
void write_cluster(json_writer& out, const cluster_context& cluster, std::int64_t now_ms);

/// Differences beyond these are only counted.
constexpr std::size_t differences_max = 100;

/// What two nodes hold of one service: fields `equal`, `records` (of the other node) and the
/// `differences` into an object under way. @returns whether there are none
bool write_differences(json_writer& out, const std::vector<instance_record>& here,
                       const std::vector<instance_record>& there);

/// What of the clients and instances that this node shows is for other nodes to judge.
struct elsewhere_counts {
  /// Connections that other nodes hold and that publish something.
  std::int64_t connections = 0;
  /// Clients that beat, publish something and are judged by other nodes.
  std::int64_t beating_clients = 0;
  /// What both publish.
  std::int64_t instances = 0;
};

/// Zeros without a cluster. Walks all records.
elsewhere_counts count_elsewhere(const cluster_context* cluster);

} // namespace nacre
