#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/distro/cluster_view.hpp"
#include "actors/messages/distro.hpp"
#include "config/options.hpp"

namespace nacre {

/// All that a node knows of the members of its cluster (Nacos `ServerMemberManager`): what was
/// heard goes in, a view comes out. No mailbox, clock or lock;
///
/// A member's state follows from signs of life that any node heard. So nodes agree on who is there
/// also when two of them can't reach each other.
class member_table {
public:
  /// Goes on after `last`, which may be that of a MEMBERSHIP that failed.
  /// @param terms how long who may be silent
  member_table(const cluster_options& terms, cluster_view_ptr last, steady_time now);

  /// The members are these from here on. @returns false, and changes nothing, if this node is not
  /// among them
  bool list(const std::vector<std::string>& addresses, steady_time now);

  void apply(const peer_heard& x);
  void apply(const peer_left& x);
  void apply(const link_changed& x, steady_time now);
  void apply(const outbid_incarnation& x);

  /// This node itself stood still and heard nobody because of that: all get a fresh term.
  void forgive_silence(steady_time now);

  /// How far this node is.
  own_state own;

  /// The members as they are now, with what follows from it. Differs from the last one only if
  /// anything did change: else it is the same object.
  cluster_view_ptr view(steady_time now);

private:
  member* find(const std::string& address);
  /// Someone heard the member in this incarnation; all earlier ones are over.
  /// @returns false if the incarnation itself is an earlier one
  static bool observe_incarnation(member& x, std::int64_t heard, steady_time at);
  void detect_state(member& x, steady_time now) const;

  const cluster_options& terms_;
  cluster_view_ptr last_;
  std::vector<member> members_;
  /// When this node began: connections of its earlier incarnations have a term from here.
  const steady_time began_;
};

} // namespace nacre
