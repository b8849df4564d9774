#pragma once

#include <array>
#include <map>

#include "actors/actor_base.hpp"
#include "actors/cluster_view.hpp"
#include "actors/restart_delay.hpp"

namespace nacre {

/// State of a DISTRO PEER: the wire to one other member, what comes from it, and the three actors
/// that work on it. The wire is one-way; the peer has one of its own to this node.
struct distro_peer_state : actor_state {
  static inline const char* name = "distro-peer";

  explicit distro_peer_state(distro_peer_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, cluster_peer_ptr peer);

  void on_opened(const link_opened& msg);
  void on_closed(const link_closed& msg);
  void on_frame(const peer_frame& msg);
  void on_ask(const ask_service& msg);
  void on_tick(const caf::tick_atom& msg);
  void on_dial(const dial_again& msg);
  void on_respawn(const respawn_child& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  enum child_kind : std::size_t { sync, verify, load, children_count };

  struct child {
    caf::actor actor;
    restart_delay delay;
    std::string last_failure;
  };

  /// An operator's question on its way.
  struct question {
    std::int64_t asked_ms = 0;
    std::shared_ptr<service_survey> survey;
  };

  void spawn_child(std::size_t kind);
  void end_children();
  void on_down(const caf::down_msg& msg);
  void dial();
  void dial_early();
  void tell_children(bool open);
  void send_heartbeat();

  // What the peer says.
  void hear(heartbeat& msg);
  void hear(farewell& msg);
  void hear(record_batch& msg);
  void hear(batch_ack& msg);
  void hear(record_request& msg);
  void hear(renewals& msg);
  void hear(bucket_digests& msg);
  void hear(bucket_listing& msg);
  void hear(snapshot_request& msg);
  void hear(snapshot_chunk& msg);
  void hear(service_query& msg);
  void hear(service_answer& msg);

  distro_peer_actor::pointer self;
  node_context_ptr context;
  cluster_peer_ptr peer;
  std::array<child, children_count> children;
  std::uint64_t dials = 0;
  std::int64_t dial_delay_ms = 0;
  /// The last wire has closed, the next one is dialled in a while.
  bool waits_to_dial = false;
  std::int64_t beat_sent_ms = 0;
  std::uint64_t last_question = 0;
  std::map<std::uint64_t, question> questions;
};

distro_peer_actor::behavior_type
distro_peer(distro_peer_actor::stateful_pointer<distro_peer_state> self, node_context_ptr context,
            cluster_peer_ptr peer, actor_origin_ptr origin);

/// The records of a service that this node holds.
std::vector<instance_record> records_of_service(const node_context& context,
                                                const service_key_view& service,
                                                std::int64_t now_ms);

} // namespace nacre
