#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "protocol/raft_message.hpp"

namespace nacre::raft {

/// The log of one member as it is in memory: the entries behind the last state that was stored, and
/// who belongs to the group by them. Pure.
class log {
public:
  /// @param base the last entry that the stored state covers, and the group as of then
  log(position base, membership members) : base_(base), groups_{{base.index, std::move(members)}} {}

  position base() const { return base_; }
  position last() const { return entries_.empty() ? base_ : entries_.back().at; }
  std::uint64_t last_index() const { return last().index; }

  /// Whether the term of the entry there is known: not behind the end, and not before the base.
  bool knows(std::uint64_t index) const { return index >= base_.index && index <= last_index(); }
  /// Of an index that is known.
  std::uint64_t term_at(std::uint64_t index) const;
  bool matches(position x) const { return knows(x.index) && term_at(x.index) == x.term; }

  const entry& at(std::uint64_t index) const;
  /// Entries from `index` on, as many as fit `bytes_max`, but one at least if there is any.
  std::vector<entry> slice(std::uint64_t index, std::size_t bytes_max) const;

  /// Puts an entry at the end.
  void append(entry x);
  /// Takes back all from `index` on, which is behind the base.
  void truncate(std::uint64_t index);
  /// Forgets all up to `index`, which is known: a stored state covers it.
  void compact(std::uint64_t index);
  /// Begins again behind a state that came from the leader.
  void reset(position base, membership members);

  /// The latest group in the log, committed or not.
  const membership& members() const { return groups_.back().members; }
  std::uint64_t members_index() const { return groups_.back().index; }
  /// The group as of `index`, which is known.
  const membership& members_at(std::uint64_t index) const;

  /// Whether the group as of `index` had that voter, or one behind it has.
  bool had_voter_since(std::uint64_t index, member_id voter) const;

  std::size_t size() const { return entries_.size(); }
  /// Of all commands, about.
  std::size_t bytes() const { return bytes_; }

private:
  struct group {
    std::uint64_t index;
    membership members;
  };

  position base_;
  std::deque<entry> entries_;
  std::size_t bytes_ = 0;
  /// One for the base, and one for each change behind it.
  std::vector<group> groups_;
};

} // namespace nacre::raft
