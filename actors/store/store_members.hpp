#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/store/raft_core.hpp"
#include "protocol/store_message.hpp"

namespace nacre {

/// What a node knows of the stores of all listed nodes, by their hellos, and what follows from it:
/// whether a new group is to be offered, and what the leader changes in its group. Identities are
/// what counts; an address only says where one is at present. Pure, one thread at a time.
///
/// Two groups never come to lead side by side from one list of members: a group begins with as many
/// voters as are listed, and who voted once leaves it only if another group has a leader.
class store_members {
public:
  /// How long a part of the members, more than half, waits for the others before it begins.
  static constexpr milliseconds founding_patience{5'000};
  /// A hello counts as long as this.
  static constexpr milliseconds hello_term{3'000};
  /// A leader takes nobody out of the group until it has led for so long.
  static constexpr milliseconds settling_time{20'000};

  /// One listed store.
  struct known {
    raft::member_id id = raft::nobody;
    std::uint64_t group = 0;
    store_hello said;
    steady_time heard = never;
  };

  explicit store_members(std::string self) : self_(std::move(self)) {}

  /// @param addresses `host:port`, sorted; this node is among them
  void list(std::vector<std::string> addresses);
  const std::vector<std::string>& listed() const { return listed_; }

  void hear(const std::string& address, std::uint64_t group, raft::member_id id,
            const store_hello& x, steady_time now);
  /// It sent anything else.
  void note_address(const std::string& address, raft::member_id id);

  /// Where that store is by its hello; empty if none came.
  std::string home_of(raft::member_id id) const;
  /// The same, or where it was when it sent something.
  std::string address_of(raft::member_id id) const;
  const std::map<std::string, known>& stores() const { return stores_; }

  /// The voters of a new group that this node is to offer, if it is its turn. Those that were not
  /// heard are stood for by identities that nobody has, until they come. To be asked again and
  /// again by a node that belongs to no group.
  /// @param seed where those come from
  std::optional<raft::membership> founding(raft::member_id own, steady_time now,
                                           std::uint64_t seed);

  /// What the leader makes of its group next: who is listed learns, who learned enough votes, who
  /// is not listed goes; one at a time. To be asked again and again.
  std::optional<raft::membership> next_members(const raft::core& leader, std::uint64_t group,
                                               steady_time now);

private:
  bool is_fresh(const known& x, steady_time now) const { return now - x.heard < hello_term; }
  std::optional<raft::membership> with_new_learner(const raft::core& leader, std::uint64_t group,
                                                   steady_time now) const;
  std::optional<raft::membership> without_unlisted(const raft::core& leader) const;
  std::optional<raft::membership> with_promoted(const raft::core& leader) const;

  const std::string self_;
  std::vector<std::string> listed_;
  /// Other nodes, by address.
  std::map<std::string, known> stores_;
  /// Who sent something from there.
  std::map<std::string, raft::member_id> senders_;
  /// Since when more than half agree to begin.
  steady_time agree_since_ = never;
  /// The term of this leader, and since when it is one.
  std::uint64_t term_ = 0;
  steady_time leads_since_ = never;
};

} // namespace nacre
