#pragma once

#include "actors/actor_base.hpp"
#include "actors/distro/cluster_context.hpp"

namespace nacre {

/// State of a DISTRO VERIFY: compares digests with one peer in a fixed interval; of buckets that
/// differ the records are listed, and only what differs is exchanged (Nacos `DistroVerifyTimedTask`
/// asks for each client instead).
struct distro_verify_state : actor_state {
  static constexpr const char* name = "distro-verify";

  explicit distro_verify_state(distro_verify_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, cluster_peer_ptr peer);

  /// The peer's digests: it gets the listings of the buckets that differ.
  void on_verify_request(const verify_request& msg);
  void on_listing(const verify_listing& msg);
  void on_link(const link_state& msg);
  void on_tick(const caf::tick_atom& msg);

  std::string key() const { return peer->address; }
  std::string summary() const;
  void details(json_writer& out) const;

private:
  void send_digests();
  void note_result(std::size_t differing);

  distro_verify_actor::pointer self;
  node_context_ptr context;
  cluster_peer_ptr peer;
};

distro_verify_actor::behavior_type
distro_verify(distro_verify_actor::stateful_pointer<distro_verify_state> self,
              node_context_ptr context, cluster_peer_ptr peer, birth_ptr birth);

} // namespace nacre
