#pragma once

#include <set>

#include "actors/actor_base.hpp"
#include "actors/cluster_view.hpp"

namespace nacre {

/// State of a DISTRO LOAD: takes a peer's records chunk by chunk when this node starts, and gives
/// the peer this node's (Nacos `DistroLoadDataTask`, which has it all in one message). A load that
/// was broken off goes on where it was, also with another peer.
struct distro_load_state : actor_state {
  static inline const char* name = "distro-load";

  explicit distro_load_state(distro_load_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, cluster_peer_ptr peer);

  void on_begin(const begin_load& msg);
  void on_chunk(snapshot_chunk& msg);
  void on_taken(const chunk_taken& msg);
  void on_tick(const load_tick& msg);
  /// The peer loads from this node.
  void on_request(const snapshot_request& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  void ask();
  void end(bool complete);

  distro_load_actor::pointer self;
  node_context_ptr context;
  cluster_peer_ptr peer;
  bool loading = false;
  /// Parts of the present chunk that came.
  std::set<std::uint32_t> parts;
  std::uint64_t generation = 0;
  std::uint64_t records = 0;
  std::int64_t began_ms = 0;
};

distro_load_actor::behavior_type
distro_load(distro_load_actor::stateful_pointer<distro_load_state> self, node_context_ptr context,
            cluster_peer_ptr peer, actor_origin_ptr origin);

} // namespace nacre
