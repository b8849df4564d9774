#pragma once

#include <optional>

#include "actors/actor_base.hpp"
#include "actors/distro/cluster_context.hpp"
#include "actors/distro/member_table.hpp"

namespace nacre {

/// State of MEMBERSHIP (Nacos `ServerMemberManager`): the one owner of what this node knows of
/// others. It is told of everything by messages, keeps it in the `member_table`, and publishes a
/// new `cluster_view` with every change.
struct membership_state : supervising_state<std::string> {
  static constexpr const char* name = "membership";

  explicit membership_state(membership_actor::pointer me) : supervising_state(me), self(me) {}

  void start(node_context_ptr context);

  void on_listed(const members_listed& msg);
  void on_heard(const peer_heard& msg);
  void on_left(const peer_left& msg);
  void on_link(const link_changed& msg);
  void on_outbid(const outbid_incarnation& msg);
  void on_isolated(const node_isolated& msg);
  void on_load_ended(const load_ended& msg);
  caf::result<left_cluster> on_leave(const leave_cluster& msg);
  void on_tick(const caf::tick_atom& msg);
  void on_respawn(const respawn_peer& msg);

  std::string key() const { return context->cluster->self; }
  std::string summary() const;
  void details(json_writer& out) const;

private:
  void on_down(const caf::down_msg& msg);
  void on_exit(const caf::exit_msg& msg);
  void spawn_peer(const cluster_peer_ptr& peer);
  void add_peer(const std::string& address);
  void remove_peer(const cluster_peer_ptr& peer);
  /// Publishes the view if anything changed, and tells the shards and the HEALTH CHECK what
  /// concerns them.
  void review();
  void tell_others(const cluster_changed& what);
  void load_if_needed();
  /// Loads again what the others hold.
  void rejoin();
  void become_loaded(std::string_view how);

  membership_actor::pointer self;
  node_context_ptr context;
  std::optional<member_table> table;
  /// Since when it looks for a loaded peer in vain.
  steady_time waiting_since{};
  steady_time last_tick{};
  /// The peer that is loaded from; empty while none is.
  std::string loading_from;
  /// Where the loading of the snapshot goes on.
  std::uint32_t load_position = 0;
};

membership_actor::behavior_type
membership(membership_actor::stateful_pointer<membership_state> self, node_context_ptr context,
           birth_ptr birth);

} // namespace nacre
