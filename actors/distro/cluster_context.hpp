#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/base/cell.hpp"
#include "actors/cluster_interfaces.hpp"
#include "actors/distro/cluster_peer.hpp"
#include "actors/distro/cluster_view.hpp"
#include "actors/distro/peer_network.hpp"
#include "actors/tables/replica_table.hpp"

namespace nacre {

/// What the actors of one node share about its cluster; there is none in a standalone node. Any
/// thread.
struct cluster_context {
  /// @param own_address `host:port`, as the others list it
  /// @param incarnation above those of this node's earlier runs, as far as its clock knows
  cluster_context(std::string own_address, std::int64_t incarnation,
                  const std::vector<std::string>& members);

  const std::string self;
  replica_table replicas;
  peer_directory peers;
  std::shared_ptr<peer_network> network;
  cell<membership_actor> membership;
  cell<beat_relay_actor> beat_relay;
  /// Never null; replaced by MEMBERSHIP alone.
  cell<cluster_view_ptr> view;

  cluster_view_ptr now() const { return view.get(); }

  /// Whether clients may be answered.
  bool serves() const { return now()->serves(); }

  /// @returns false if the message is dropped: there is no link, or it is full
  bool send(cluster_peer& to, cluster_message message) const {
    return to.send(now()->incarnation(), std::move(message));
  }

  /// One object per incarnation of a node.
  connection_owner_ptr owner(const std::string& node, std::int64_t incarnation);

private:
  std::mutex owners_lock_;
  std::map<std::string, connection_owner_ptr> owners_;
};

} // namespace nacre
