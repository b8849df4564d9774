#pragma once

#include <vector>

#include "actors/distro/cluster_context.hpp"
#include "protocol/json_writer.hpp"

/// The cluster as operators read it, in JSON (`GET /nacre/admin/cluster`). Pure, any thread.
namespace nacre {

/// A peer's link, lag, pending changes and last verify, into an object under way.
void write_peer_fields(json_writer& out, const member& known, const peer_counters& counters,
                       steady_time now);

/// This node, the ring, and every member with what is exchanged with it.
void write_cluster(json_writer& out, const cluster_context& cluster, steady_time now);

/// Differences beyond these are only counted.
constexpr std::size_t differences_max = 100;

/// What two nodes hold of one service: fields `equal`, `records` (of the other node) and the
/// `differences` into an object under way. @returns whether there are none
bool write_differences(json_writer& out, const std::vector<instance_record>& here,
                       const std::vector<instance_record>& there);

/// The part of the clients and instances shown here that other nodes are responsible for.
struct elsewhere_counts {
  /// Connections of other nodes that publish something.
  std::int64_t connections = 0;
  /// Clients that beat and publish something.
  std::int64_t beating_clients = 0;
  /// What both publish.
  std::int64_t instances = 0;
};

/// Zeros without a cluster. Walks all records.
elsewhere_counts count_elsewhere(const cluster_context* cluster);

} // namespace nacre
