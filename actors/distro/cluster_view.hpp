#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/tables/replica_table.hpp"
#include "protocol/client_id.hpp"
#include "protocol/responsible_node.hpp"

/// How a node sees its cluster at one time.
namespace nacre {

enum class member_state : std::uint8_t {
  up,
  /// Not heard of for a while, but still responsible for its clients.
  suspicious,
  /// Lost: others are responsible for its clients.
  down,
};

std::string_view to_string(member_state x);

/// One node of the cluster, this one included.
struct member {
  /// `host:port`, the name by which all nodes know it.
  std::string address;
  member_state state = member_state::suspicious;
  /// Down for sure: nobody listens there, or it said farewell. Otherwise it is merely silent.
  bool dead = false;
  /// The connections of its present incarnation are lost.
  bool lost = false;

  /// Number of its present run: a node that starts again has a higher one. 0 until it was heard of.
  std::int64_t incarnation = 0;
  /// Connections of incarnations up to this one are lost.
  std::int64_t lost_up_to = 0;
  /// Incarnations that ended, and when, of those whose connections may still show up elsewhere.
  std::map<std::int64_t, steady_time> ended_incarnations = {};

  /// When any node heard it last, as far as is known here; at first the time of its listing.
  steady_time last_alive{};
  /// When this node itself heard it last.
  std::optional<steady_time> last_heard = {};
  /// When it had heard this node last, as far as it said.
  std::optional<steady_time> last_heard_us = {};
  /// Since when nobody listens there, without a sign of life.
  std::optional<steady_time> refused_since = {};
  /// Since when a peer says that it is dead, without a sign of life.
  std::optional<steady_time> told_dead_since = {};

  /// This node's link to it is open.
  bool link_open = false;
  /// It said farewell in its present incarnation.
  bool left = false;
  /// It has loaded what the others hold.
  bool loaded = false;
  /// How many records it said it has.
  std::uint64_t records = 0;

  /// Whether clients of its connections are on their way elsewhere.
  bool ended_recently() const { return !ended_incarnations.empty(); }

  /// Whether our messages appear to reach it.
  bool hears_us(steady_time now) const;

  friend bool operator==(const member&, const member&) = default;
};

/// How far this node itself is.
struct own_state {
  /// Number of its present run.
  std::int64_t incarnation = 0;
  /// It holds what the others held when it started.
  bool loaded = false;
  /// It stood still, or nothing reached it: clients of its connections are elsewhere, and it loads
  /// again what the others hold.
  bool rejoining = false;
  /// It stops: its connections end because of that, and peers are not told that they ended.
  bool leaving = false;

  friend bool operator==(const own_state&, const own_state&) = default;
};

/// The cluster at one time. Immutable, made by MEMBERSHIP, read by any thread.
class cluster_view {
public:
  /// The first one of a node.
  cluster_view(std::string self, own_state own, std::vector<member> members);
  /// The one after `before`.
  cluster_view(const cluster_view& before, own_state own, std::vector<member> members,
               steady_time now);

  /// This node, as the members list spells it.
  const std::string& self() const { return self_; }
  const own_state& own() const { return own_; }
  std::int64_t incarnation() const { return own_.incarnation; }
  /// Whether clients may be answered; else what is shown here would lack what is elsewhere.
  bool serves() const { return own_.loaded && !own_.rejoining; }

  const std::vector<member>& members() const { return members_; }
  const member* find(std::string_view address) const;

  /// Rises when other nodes become responsible.
  std::uint64_t ring_number() const { return ring_number_; }
  const responsible_nodes& ring() const { return ring_; }

  /// The node that is responsible for a client that beats (Nacos `DistroMapper.mapSrv`): it says
  /// whether the client lives.
  std::string_view responsible_for(const client_id& client) const {
    return ring_.of(client.address());
  }
  /// Nacos `DistroMapper.responsible`
  bool is_responsible(const client_id& client) const { return responsible_for(client) == self_; }

  /// Whether this node and those it hears of are more than half of those that may live. Otherwise
  /// it is likely that itself is cut off, and clients that are silent here may beat there.
  bool has_quorum_contact() const { return has_quorum_contact_; }

  /// When a member that had only been silent was last heard again;
  /// `never` if never. Clients may beat there.
  steady_time reunited() const { return reunited_; }

  /// Whether the connections of that incarnation are lost.
  bool is_lost(const connection_owner& x) const;

  /// Whether any node died lately: clients of its connections are on their way elsewhere.
  bool some_owner_died() const;

  /// Whether that incarnation goes on, as far as is known: silence is not death.
  bool is_alive(const connection_owner& x) const;

private:
  std::string self_;
  own_state own_;
  std::vector<member> members_;
  responsible_nodes ring_;
  std::uint64_t ring_number_ = 1;
  bool has_quorum_contact_;
  steady_time reunited_ = never;
};

using cluster_view_ptr = std::shared_ptr<const cluster_view>;

} // namespace nacre
