#pragma once

#include <map>
#include <memory>

#include "actors/actor_base.hpp"
#include "actors/distro/cluster_context.hpp"
#include "actors/distro/service_survey.hpp"

namespace nacre {

/// State of a DISTRO PEER: the link to one other member, what comes from it, and the three actors
/// that work on it. The link is one-way; the peer has one of its own to this node.
struct distro_peer_state : supervising_state<std::size_t> {
  static constexpr const char* name = "distro-peer";

  explicit distro_peer_state(distro_peer_actor::pointer me) : supervising_state(me), self(me) {}

  void start(node_context_ptr context, cluster_peer_ptr peer);

  void on_opened(const link_opened& msg);
  void on_closed(const link_closed& msg);
  void on_frame(const peer_frame& msg);
  void on_ask(const ask_peer& msg);
  void on_tick(const caf::tick_atom& msg);
  void on_dial(const dial_again& msg);
  void on_respawn(const respawn_child& msg);

  std::string key() const { return peer->address; }
  std::string summary() const;
  void details(json_writer& out) const;
  /// All its children are about this peer.
  std::string shown(std::size_t) const { return peer->address; }

private:
  enum child_kind : std::size_t { sync, verify, load, children_count };

  /// An operator's question on its way.
  struct question {
    steady_time asked{};
    std::shared_ptr<peer_survey> survey;
  };

  void spawn_child(std::size_t kind);
  void end_children();
  void on_down(const caf::down_msg& msg);
  void dial();
  void dial_early();
  void tell_children(bool open);
  template <class Message>
  void tell_membership(Message msg);
  void send_heartbeat();
  bool send(cluster_message message) { return context->cluster->send(*peer, std::move(message)); }
  /// The peer's incarnation as far as this node knows.
  std::int64_t known_incarnation() const;
  /// Whether a frame of that incarnation comes after the peer's farewell.
  bool has_left(std::int64_t incarnation) const;
  void note_heard(std::optional<heartbeat_content> heartbeat);

  // What the peer says.
  void on_peer(heartbeat& msg);
  void on_peer(farewell& msg);
  void on_peer(record_batch& msg);
  void on_peer(batch_ack& msg);
  void on_peer(client_verify_failed& msg);
  void on_peer(renewals& msg);
  void on_peer(verify_request& msg);
  void on_peer(verify_listing& msg);
  void on_peer(snapshot_request& msg);
  void on_peer(snapshot_chunk& msg);
  void on_peer(service_query& msg);
  void on_peer(service_answer& msg);
  void on_peer(subscriber_query& msg);
  void on_peer(subscriber_answer& msg);
  void on_peer(store_message& msg);
  void on_peer(probe_query& msg);
  void on_peer(probe_findings& msg);
  /// The answer to a question of this node.
  void take_answer(std::uint64_t id, cluster_message answer);

  distro_peer_actor::pointer self;
  node_context_ptr context;
  cluster_peer_ptr peer;
  /// Under way, or open and then also with the peer.
  std::shared_ptr<peer_link> dialled;
  std::uint64_t dials = 0;
  milliseconds dial_delay{0};
  /// The last link has closed, the next one is dialled in a while.
  bool waits_to_dial = false;
  steady_time heartbeat_sent{};
  /// The highest number that the peer itself told.
  std::int64_t incarnation = 0;
  /// The last one that said farewell.
  std::int64_t left_incarnation = 0;
  std::optional<steady_time> last_heard;
  /// When MEMBERSHIP was told last.
  steady_time heard_told = never;
  std::uint64_t last_question = 0;
  std::map<std::uint64_t, question> questions;
};

distro_peer_actor::behavior_type
distro_peer(distro_peer_actor::stateful_pointer<distro_peer_state> self, node_context_ptr context,
            cluster_peer_ptr peer, birth_ptr birth);

} // namespace nacre
