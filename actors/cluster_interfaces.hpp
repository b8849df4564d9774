#pragma once

#include "actors/interfaces.hpp"

/// The actors that make several nodes one registry. They exist in a node of a cluster only.
namespace nacre {

/// One per node: who the members are, how they fare, and so who is responsible for which client.
/// The only writer of the `cluster_view`. Supervises the DISTRO PEERs and decides when the node
/// has loaded.
using membership_actor = caf::typed_actor<
  // The list of members was read anew.
  caf::reacts_to<members_listed>,
  // A DISTRO PEER heard its peer.
  caf::reacts_to<peer_heard>,
  // A peer stops.
  caf::reacts_to<peer_left>,
  // A link opened or closed.
  caf::reacts_to<link_changed>,
  // A peer knows a later incarnation of this node.
  caf::reacts_to<outbid_incarnation>,
  // A CONNECTION CLIENT found that nothing reaches this node any more.
  caf::reacts_to<node_isolated>,
  // A DISTRO LOAD has everything, or gets no further.
  caf::reacts_to<load_ended>,
  // The node is about to stop: the peers are told.
  caf::replies_to<leave_cluster>::with<left_cluster>,
  // INTERNAL: time has passed; who was not heard may be suspicious now.
  caf::reacts_to<caf::tick_atom>,
  // INTERNAL: spawn a failed peer again.
  caf::reacts_to<respawn_peer>>::extend_with<status_actor>;

/// One per other member: keeps the link to it, takes what it sends, supervises the three below.
using distro_peer_actor = caf::typed_actor<
  // The link to the peer opened.
  caf::reacts_to<link_opened>,
  // The link to the peer closed or was refused.
  caf::reacts_to<link_closed>,
  // The peer sent something.
  caf::reacts_to<peer_frame>,
  // An operator asks the peer something.
  caf::reacts_to<ask_peer>,
  // INTERNAL: send a heartbeat.
  caf::reacts_to<caf::tick_atom>,
  // INTERNAL: dial again.
  caf::reacts_to<dial_again>,
  // INTERNAL: spawn a failed child again.
  caf::reacts_to<respawn_child>>::extend_with<status_actor>;

/// One per other member: tells it what changes here.
using distro_sync_actor = caf::typed_actor<
  // Clients changed.
  caf::reacts_to<client_changed>,
  // The peer lacks records.
  caf::reacts_to<client_verify_failed>,
  // The peer has taken a batch.
  caf::reacts_to<batch_ack>,
  // The link is there, or gone.
  caf::reacts_to<link_state>,
  // INTERNAL: tasks are due, or an acknowledgement is late.
  caf::reacts_to<ring>>::extend_with<status_actor>;

/// One per other member: finds what differs between the two, by digests, and has it repaired.
using distro_verify_actor = caf::typed_actor<
  // The peer's digests: it gets the listings of the buckets that differ.
  caf::reacts_to<verify_request>,
  // The peer's listing of buckets that differ: what it lacks is sent, what lacks here asked for.
  caf::reacts_to<verify_listing>,
  // The link is there, or gone.
  caf::reacts_to<link_state>,
  // INTERNAL: the next round.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per other member: takes its snapshot, and gives it this node's.
using distro_load_actor = caf::typed_actor<
  // MEMBERSHIP wants everything that the peer holds.
  caf::reacts_to<begin_load>,
  // The peer wants what this node holds.
  caf::reacts_to<snapshot_request>,
  // A part of the peer's snapshot.
  caf::reacts_to<snapshot_chunk>,
  // Readers see all of the last chunk.
  caf::reacts_to<chunk_taken>,
  // The link is there, or gone.
  caf::reacts_to<link_state>,
  // INTERNAL: the next chunk is late.
  caf::reacts_to<ring>>::extend_with<status_actor>;

/// One per node: passes beats on to the nodes that are responsible for the clients.
using beat_relay_actor = caf::typed_actor<
  // INTERNAL: beats have gathered.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

} // namespace nacre
