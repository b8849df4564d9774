#pragma once

#include <cstdint>

namespace nacre::raft {

/// The rules of the group that a test build can break, one at a time, to show that the simulation
/// would notice. In all other builds each holds, and asking costs nothing.
enum class rule : std::uint8_t {
  none,
  /// Entries are acknowledged when they are on the disk (§3.8).
  answer_after_entries_persist,
  /// A vote is told when it is on the disk (§3.8).
  answer_after_vote_persists,
  /// By counting only entries of the own term are committed (§3.6.2).
  commit_own_term_only,
  /// The vote outlives a restart (§3.8).
  remember_vote,
  /// The leader counts itself for what is on its own disk (§10.2.1).
  count_persisted_only,
  /// No change of the group before an entry of the own term is committed (§4.1, erratum of 2015).
  change_after_own_term,
  /// One change of the group at a time (§4.1).
  one_change_at_a_time,
  /// A vote goes only to who is as up to date (§3.6.1).
  vote_for_up_to_date,
  /// Entries that match stay, also if a late request ends before them (§3.5).
  keep_matching_entries,
  /// What is appended follows the entry that the leader has there (§3.5).
  check_previous,
  /// A follower commits no further than it matched (§3.5).
  commit_matched_only,
  /// A change of the group that is overwritten is undone (§4.1).
  undo_lost_change,
  /// A state that ends before what is committed here is not installed (§5).
  refuse_older_state,
  /// A read waits until the leader knows what is committed: an entry of its term (§6.4).
  read_after_own_term,
  /// A read waits until a majority says that the leader still is one (§6.4).
  read_after_round,
  /// One vote a term (§3.4).
  vote_once,
  /// Learners do not count (§4.2.1).
  count_voters_only,
  /// A state brings the group as of its end (§5.1).
  state_brings_members,
  /// The term outlives a restart (§3.8).
  remember_term,
  /// Who sees a later term follows it (§3.3).
  follow_later_term,
  /// A request that comes twice takes effect once (§6.3).
  apply_once,
};

inline constexpr int rules_count = static_cast<int>(rule::apply_once);

#ifdef NACRE_BREAKABLE
inline thread_local rule broken_rule = rule::none;
inline bool holds(rule x) { return x != broken_rule; }
#else
constexpr bool holds(rule) { return true; }
#endif

} // namespace nacre::raft
