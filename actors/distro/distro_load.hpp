#pragma once

#include <deque>
#include <set>

#include "actors/actor_base.hpp"
#include "actors/distro/cluster_context.hpp"

namespace nacre {

/// State of a DISTRO LOAD: takes a peer's records chunk by chunk when this node starts, and gives
/// the peer this node's (Nacos `DistroLoadDataTask`, which has it all in one message). A load that
/// was broken off goes on where it was, also with another peer.
struct distro_load_state : actor_state {
  static constexpr const char* name = "distro-load";

  explicit distro_load_state(distro_load_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, cluster_peer_ptr peer);

  void on_begin(const begin_load& msg);
  void on_chunk(snapshot_chunk& msg);
  void on_taken(const chunk_taken& msg);
  void on_ring(const ring& msg);
  /// The peer loads from this node.
  void on_request(const snapshot_request& msg);
  void on_link(const link_state& msg);

  std::string key() const { return peer->address; }
  std::string summary() const;
  void details(json_writer& out) const;

private:
  void ask();
  void end(bool complete);
  /// As much of what the peer asked for as its link takes; the rest when it takes more.
  void send_parts();
  void arm();

  distro_load_actor::pointer self;
  node_context_ptr context;
  cluster_peer_ptr peer;
  bool loading = false;
  /// Parts of the present chunk that came.
  std::set<std::uint32_t> parts;
  /// Where the present chunk begins.
  std::uint32_t position = 0;
  /// While it is loading: when the peer has been silent for too long.
  steady_time patient_until{};
  std::uint64_t records = 0;
  steady_time began{};
  /// What the peer asked for and was not sent yet.
  std::deque<snapshot_chunk> wanted_parts;
  /// When it was sent a part last, or asked.
  steady_time part_sent{};
  alarm timer;
};

distro_load_actor::behavior_type
distro_load(distro_load_actor::stateful_pointer<distro_load_state> self, node_context_ptr context,
            cluster_peer_ptr peer, birth_ptr birth);

} // namespace nacre
