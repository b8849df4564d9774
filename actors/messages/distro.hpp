#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/base/local_message.hpp"
#include "actors/base/ticket.hpp"
#include "actors/tables/lease.hpp"
#include "protocol/cluster_message.hpp"

/// What is said in a node about its cluster.
namespace nacre {

// -- to MEMBERSHIP -------------------------------------------------------------------------------

/// The list of members was read anew.
struct members_listed {
  /// `host:port`, sorted; this node is among them.
  std::vector<std::string> addresses;
};

/// A node that a heartbeat told of.
struct other_heard {
  std::string address;
  std::int64_t incarnation = 0;
  /// When anybody heard it last; nothing if it is dead, as the peer found out.
  std::optional<steady_time> last_alive;
};

/// What a peer's heartbeat says.
struct heartbeat_content {
  bool loaded = false;
  std::uint64_t records = 0;
  /// When the peer had heard this node last; nothing if never.
  std::optional<steady_time> heard_us;
  std::vector<other_heard> others;
};

/// A peer was heard. From its DISTRO PEER, with each heartbeat and now and then for other frames.
struct peer_heard {
  std::string peer;
  std::int64_t incarnation = 0;
  steady_time at{};
  /// Whether this node's link to it is open.
  bool link_open = false;
  /// Nothing for other frames.
  std::optional<heartbeat_content> heartbeat;
};

/// A peer said that it stops.
struct peer_left {
  std::string peer;
  std::int64_t incarnation = 0;
};

/// The link to a peer opened, ended or did not come about.
struct link_changed {
  std::string peer;
  bool open = false;
  /// The peer's machine answered that nobody listens there.
  bool refused = false;
};

/// A peer knows a later incarnation of this node, whose clock must have gone back.
struct outbid_incarnation {
  std::int64_t known = 0;
};

/// For a while neither clients nor most nodes were heard: this node is cut off from all, and its
/// clients are elsewhere. From a CONNECTION CLIENT.
struct node_isolated {};

/// A DISTRO LOAD has everything, or gets no further.
struct load_ended {
  std::string peer;
  bool complete = false;
  /// Where another load may go on; nothing if that is not known.
  std::optional<std::uint32_t> next_bucket;
};

/// The node is about to stop: the peers are told, and connections that end from here on are not.
struct leave_cluster {};
/// The peers were told.
struct left_cluster {};

/// It is time to start a failed DISTRO PEER again.
struct respawn_peer {
  std::string address;
};

// -- to a DISTRO PEER ----------------------------------------------------------------------------

/// The link that was dialled opened; `dial` tells it from earlier ones.
struct link_opened {
  std::uint64_t dial = 0;
};

/// The link ended, or never came about.
struct link_closed {
  std::uint64_t dial = 0;
  bool refused = false;
  std::string why;
};

/// Bytes that the peer sent.
struct peer_frame {
  std::string bytes;
};

/// It is time to dial again.
struct dial_again {
  std::uint64_t dial = 0;
};

class peer_survey;

/// An operator asks all nodes something: `survey` takes the peer's answer, and is released if the
/// peer is silent.
struct ask_peer {
  std::shared_ptr<peer_survey> survey;
};

// -- to its children -----------------------------------------------------------------------------

/// Clients changed what they publish (Nacos `ClientEvent.ClientChangedEvent`): one message for all
/// changes of one turn of a CLIENT SHARD or CONNECTION CLIENT. The state that is sent to the peer
/// is that of the time of sending.
struct client_changed {
  std::shared_ptr<const std::vector<lease_ptr>> leases;
};

/// The link to the peer is there, or gone.
struct link_state {
  bool open = false;
};

/// MEMBERSHIP wants everything that the peer holds from this bucket on.
struct begin_load {
  std::uint32_t from_bucket = 0;
};

/// Readers see all of the chunk of a snapshot.
struct chunk_taken {
  std::uint32_t next_bucket = 0;
};

// -- to CLIENT SHARDS ----------------------------------------------------------------------------

/// What a peer knows of clients of this shard.
struct sync_records {
  /// Address of the peer.
  std::string from;
  std::vector<instance_record> records;
  /// Released once readers see every record; may be null.
  ticket_ptr done;
};

/// MEMBERSHIP sees the cluster differently.
struct cluster_changed {
  /// Other nodes are responsible for clients.
  bool ring = false;
  /// Nodes are lost, and with them their connections.
  bool losses = false;
};

// -- to the CLIENT SHARDs ------------------------------------------------------------------------

/// INTERNAL: the next of the leases get their responsible node.
struct reassign_more {};

// -- to both that change records -----------------------------------------------------------------

/// INTERNAL: the turn in which clients changed is over, peers are told.
struct announce_changes {};

} // namespace nacre
