#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "actors/clocks.hpp"
#include "actors/cluster_interfaces.hpp"
#include "actors/handle_cell.hpp"
#include "actors/hybrid_clock.hpp"
#include "actors/peer_network.hpp"
#include "actors/replica_table.hpp"
#include "protocol/responsible_node.hpp"

/// What the actors of one node share about its cluster.
namespace nacre {

enum class member_state : std::uint8_t {
  up,
  /// Not heard of for a while, but still responsible for its clients.
  suspicious,
  /// Lost: others are responsible for its clients.
  down,
};

std::string_view to_string(member_state x);

/// One node of the cluster, this one included, as MEMBERSHIP sees it.
struct member {
  /// `host:port`, the name by which all nodes know it.
  std::string address;
  member_state state = member_state::suspicious;
  /// Down for sure: nobody listens there, or it said farewell. Otherwise it is merely silent.
  bool dead = false;
  /// 0 until it was heard of.
  std::int64_t life = 0;
  /// Connections that it held in this life are lost.
  bool lost = false;
  /// Those of its lives up to this one are.
  std::int64_t lost_up_to_life = 0;
  /// Connections of its ended lives may still show up elsewhere.
  bool lives_ending = false;
};

/// The members at one time. Immutable; MEMBERSHIP makes a new one with every change.
class cluster_view {
public:
  /// The first one of a node.
  cluster_view(std::string self, std::vector<member> members);
  /// The one after `before`.
  cluster_view(const cluster_view& before, std::vector<member> members, std::int64_t now_ms);

  const std::string& self() const { return self_; }
  const std::vector<member>& members() const { return members_; }
  const member* find(std::string_view address) const;

  /// Rises when other nodes become responsible.
  std::uint64_t ring_number() const { return ring_number_; }
  const responsible_nodes& ring() const { return ring_; }

  /// The node that is responsible for a client that beats: it judges whether the client lives.
  std::string_view judge_of(const client_id& client) const { return ring_.of(client.address()); }
  bool judged_here(const client_id& client) const { return judge_of(client) == self_; }

  /// Whether this node and those it hears of are more than half of those that may live. Otherwise
  /// it is likely that itself is cut off, and clients that are silent here may beat there.
  bool hears_majority() const { return hears_majority_; }

  /// When a member was last heard of again after a silence in which it lived, ms of the steady
  /// clock; `long_ago_ms` if never. Clients may beat there.
  std::int64_t reunited_ms() const { return reunited_ms_; }

  /// Whether the connections of that life are lost.
  bool is_lost(const record_origin& x) const;

  /// Whether any node died lately: clients of its connections are on their way elsewhere.
  bool some_origin_died() const;

  /// Whether that life goes on, as far as is known: silence is not death.
  bool is_alive(const record_origin& x) const;

private:
  std::string self_;
  std::vector<member> members_;
  responsible_nodes ring_;
  std::uint64_t ring_number_ = 1;
  bool hears_majority_;
  std::int64_t reunited_ms_ = long_ago_ms;
};

using cluster_view_ptr = std::shared_ptr<const cluster_view>;

/// What is exchanged with one peer, counted; any thread.
struct peer_counters {
  std::atomic<std::uint64_t> frames_sent{0};
  std::atomic<std::uint64_t> frames_received{0};
  std::atomic<std::uint64_t> frames_dropped{0};
  std::atomic<std::uint64_t> frames_unreadable{0};
  std::atomic<std::uint64_t> bytes_sent{0};
  std::atomic<std::uint64_t> bytes_received{0};
  std::atomic<std::uint64_t> records_sent{0};
  std::atomic<std::uint64_t> records_received{0};
  std::atomic<std::uint64_t> renewals_sent{0};
  std::atomic<std::uint64_t> verifies{0};
  /// Changes that wait for being sent or acknowledged.
  std::atomic<std::size_t> pending{0};
  /// Since when the oldest of them waits, ms of the steady clock; 0 if none does.
  std::atomic<std::int64_t> pending_since_ms{0};
  /// Buckets whose digests differed at the last verify, and since when some did; 0: none did.
  std::atomic<std::size_t> differing{0};
  std::atomic<std::int64_t> differing_since_ms{0};
  std::atomic<std::int64_t> verified_ms{0};
};

/// Another member: what its DISTRO PEER, that one's children and MEMBERSHIP share. Times are ms of
/// the steady clock. Any thread.
class cluster_peer {
public:
  cluster_peer(std::string where, std::int64_t now_ms)
    : address(std::move(where)), sign_ms(now_ms) {}

  const std::string address;

  handle_cell<distro_peer_actor> actor;
  handle_cell<distro_sync_actor> sync;
  handle_cell<distro_verify_actor> verify;
  handle_cell<distro_load_actor> load;

  /// Its present life; 0 until it was heard of.
  std::atomic<std::int64_t> life{0};
  /// It was heard in that life, here or elsewhere: earlier ones have ended.
  /// @returns false if the life itself is an earlier one
  bool take_life(std::int64_t heard, std::int64_t at_ms);

  /// The last life whose connections have had `term_ms` to show up elsewhere; 0 if none.
  std::int64_t lost_up_to_life(std::int64_t term_ms, std::int64_t now_ms);

  /// Whether there are others that ended.
  bool has_ending_lives();

  /// Last heard by this node itself; 0 if never.
  std::atomic<std::int64_t> heard_ms{0};
  /// Last time that it had heard this node, as far as it said; 0 if never.
  std::atomic<std::int64_t> heard_us_ms{0};
  /// Last heard by any node, as far as is known here; at first the time of its listing.
  std::atomic<std::int64_t> sign_ms;
  /// Since when nobody listens there, without a sign of life; 0 while that is not known.
  std::atomic<std::int64_t> refused_since_ms{0};
  /// It said farewell in its present life.
  std::atomic<bool> left{false};
  /// It has loaded what the others hold.
  std::atomic<bool> loaded{false};
  /// How many records it said it has.
  std::atomic<std::uint64_t> records{0};
  /// Our wire to it is open.
  std::atomic<bool> open{false};
  peer_counters counters;

  /// Has DISTRO SYNC tell it of the record of `held_by`, in its state at that time. Nothing is kept
  /// while there is no wire: verify finds what differs.
  void tell(const lease_ptr& held_by);

  /// All that DISTRO SYNC has to tell and did not take yet.
  std::vector<lease_ptr> take_changes();

  /// Whether what is sent to it seems to arrive.
  bool hears_us(std::int64_t now_ms) const;

  /// @returns false if the message is dropped: there is no wire, or it is full
  bool send(std::int64_t own_life, cluster_message message);

  void set_link(std::shared_ptr<peer_link> link);

private:
  handle_cell<std::shared_ptr<peer_link>> link_;
  std::mutex changes_lock_;
  std::vector<lease_ptr> changes_;
  std::mutex lives_lock_;
  /// Ended lives and when they ended, of those whose connections may still show up elsewhere.
  std::map<std::int64_t, std::int64_t> ended_lives_;
  std::int64_t lost_up_to_life_ = 0;
};

using cluster_peer_ptr = std::shared_ptr<cluster_peer>;

/// All other members by address. Any thread.
class peer_directory {
public:
  cluster_peer_ptr find(const std::string& address) const;
  std::vector<cluster_peer_ptr> all() const;
  template <class F>
  void for_each(F f) const {
    std::lock_guard guard(lock_);
    for (auto& [address, x] : peers_)
      f(*x);
  }
  void add(const cluster_peer_ptr& x);
  void remove(const std::string& address);

private:
  mutable std::mutex lock_;
  std::map<std::string, cluster_peer_ptr> peers_;
};

/// The cluster of a node; there is none in a standalone node.
struct cluster_context {
  /// @param own_life above those of this node's earlier lives, as far as its clock knows
  cluster_context(std::string own_address, std::int64_t own_life,
                  std::vector<std::string> members, std::int64_t wall_ms, std::int64_t steady_ms);

  /// `host:port`, as the others list it.
  const std::string self;
  /// Number of this node's present life. Raised if a peer knows a later one: the clock had gone
  /// back between two starts.
  std::atomic<std::int64_t> life;
  hybrid_clock clock;
  replica_table replicas;
  peer_directory peers;
  /// Replaced by MEMBERSHIP.
  handle_cell<cluster_view_ptr> view;
  /// Whether this node holds what the others held when it started.
  std::atomic<bool> loaded{false};
  /// It stood still, or nothing reached it: clients of its connections are elsewhere, and it loads
  /// again what the others hold.
  std::atomic<bool> rejoining{false};
  /// The node stops: its connections end because of that, and are not told as ended.
  std::atomic<bool> leaving{false};
  /// Where the loading of the snapshot goes on.
  std::atomic<std::uint32_t> load_position{0};
  std::shared_ptr<peer_network> network;
  handle_cell<membership_actor> membership;
  handle_cell<beat_relay_actor> beat_relay;

  /// One object per life of a node.
  record_origin_ptr origin(const std::string& node, std::int64_t node_life);

  /// Whether clients may be answered; else what is shown here would lack what is elsewhere.
  bool serves() const { return loaded && !rejoining; }

  /// Never null.
  cluster_view_ptr now() const { return view.get(); }

  /// A new life's number was heard of that is above our own.
  void raise_life(std::int64_t above);

private:
  std::mutex origins_lock_;
  std::map<std::string, record_origin_ptr> origins_;
};

} // namespace nacre
