#pragma once

#include <map>

#include "actors/actor_base.hpp"
#include "actors/cluster_view.hpp"
#include "actors/restart_delay.hpp"

namespace nacre {

/// State of MEMBERSHIP (Nacos `ServerMemberManager`). A member's state follows from signs of life
/// that any node heard: so nodes agree on who is there also when two of them can't reach each
/// other.
struct membership_state : actor_state {
  static inline const char* name = "membership";

  explicit membership_state(membership_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_listed(const members_listed& msg);
  void on_load_ended(const load_ended& msg);
  caf::result<left_cluster> on_leave(const leave_cluster& msg);
  void on_tick(const caf::tick_atom& msg);
  void on_respawn(const respawn_peer& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  void on_down(const caf::down_msg& msg);
  void on_exit(const caf::exit_msg& msg);
  void spawn_peer(const cluster_peer_ptr& x, actor_origin_ptr why);
  void add_peer(const std::string& address);
  void remove_peer(const cluster_peer_ptr& x);
  /// Makes a new view if anything changed, and tells the shards.
  void review(std::int64_t now_ms);
  void tell_shards(const cluster_changed& what);
  void load_if_needed(std::int64_t now_ms);
  /// Loads again what the others hold.
  void rejoin(std::int64_t now_ms);
  void become_loaded(std::string_view how);

  membership_actor::pointer self;
  node_context_ptr context;
  std::vector<std::string> addresses;
  std::map<caf::actor_id, std::string> peer_ids;
  std::map<std::string, restart_delay> failures;
  std::int64_t started_ms = 0;
  /// Since when it looks for a loaded peer in vain.
  std::int64_t waiting_since_ms = 0;
  std::int64_t last_tick_ms = 0;
  std::int64_t swept_ms = 0;
  /// The peer that is loaded from; empty while none is.
  std::string loading_from;
};

membership_actor::behavior_type
membership(membership_actor::stateful_pointer<membership_state> self, node_context_ptr context,
           actor_origin_ptr origin);

/// What the signs of a peer's life say of it (design §4).
member judge_member(cluster_peer& x, const cluster_options& opts, std::int64_t now_ms);

} // namespace nacre
