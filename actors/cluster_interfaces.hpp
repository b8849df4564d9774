#pragma once

#include "actors/interfaces.hpp"
#include "actors/cluster_messages.hpp"

/// The actors that make several nodes one registry. They exist in a node of a cluster only.
namespace nacre {

/// One per node: who the members are, how they fare, and so who is responsible for which client.
/// Supervises the DISTRO PEERs and decides when the node has loaded.
using membership_actor = caf::typed_actor<
  // The list of members was read anew.
  caf::reacts_to<members_listed>,
  // A DISTRO LOAD has everything, or gets no further.
  caf::reacts_to<load_ended>,
  // The node is about to stop: the peers are told.
  caf::replies_to<leave_cluster>::with<left_cluster>,
  // INTERNAL: look at the signs of life.
  caf::reacts_to<caf::tick_atom>,
  // INTERNAL: spawn a failed peer again.
  caf::reacts_to<respawn_peer>>::extend_with<status_actor>;

/// One per other member: keeps the wire to it, hears what it sends, supervises the three below.
using distro_peer_actor = caf::typed_actor<
  // From the wire to the peer.
  caf::reacts_to<link_opened>,
  caf::reacts_to<link_closed>,
  // From the peer.
  caf::reacts_to<peer_frame>,
  // An operator asks the peer what it holds of a service.
  caf::reacts_to<ask_service>,
  // INTERNAL: send a heartbeat; dial again.
  caf::reacts_to<caf::tick_atom>,
  caf::reacts_to<dial_again>,
  // INTERNAL: spawn a failed child again.
  caf::reacts_to<respawn_child>>::extend_with<status_actor>;

/// One per other member: tells it what changes here.
using distro_sync_actor = caf::typed_actor<
  // Records changed: the list is with the peer.
  caf::reacts_to<changes_wait>,
  // The peer lacks records.
  caf::reacts_to<record_request>,
  caf::reacts_to<batch_ack>,
  // The wire is there, or gone.
  caf::reacts_to<link_state>,
  // INTERNAL: tasks are due, or an acknowledgement is late.
  caf::reacts_to<sync_tick>>::extend_with<status_actor>;

/// One per other member: finds what differs between the two, by digests, and has it repaired.
using distro_verify_actor = caf::typed_actor<
  caf::reacts_to<bucket_digests>,
  caf::reacts_to<bucket_listing>,
  caf::reacts_to<link_state>,
  // INTERNAL: the next round.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per other member: takes its snapshot, and gives it this node's.
using distro_load_actor = caf::typed_actor<
  // MEMBERSHIP wants everything that the peer holds.
  caf::reacts_to<begin_load>,
  caf::reacts_to<snapshot_request>,
  caf::reacts_to<snapshot_chunk>,
  // The shards have taken all of the last chunk.
  caf::reacts_to<chunk_taken>,
  // INTERNAL: the next chunk is late.
  caf::reacts_to<load_tick>>::extend_with<status_actor>;

/// One per node: passes beats on to the nodes that judge the clients.
using beat_relay_actor = caf::typed_actor<
  // INTERNAL: beats have gathered.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

} // namespace nacre
