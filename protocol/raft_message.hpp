#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

/// What members of the store's group tell each other: the messages of Raft, by the names and
/// sections of Ongaro's dissertation (2014). Each stands for itself: it may be lost, come twice or
/// after a later one. Pure, any thread.
namespace nacre::raft {

/// The identity of a node, random, never an address.
using member_id = std::uint64_t;
inline constexpr member_id nobody = 0;

/// An entry's place in the log. The order is that of §3.6.1: who has the later last position is
/// more up to date.
struct position {
  std::uint64_t term = 0;
  std::uint64_t index = 0;

  auto fields() { return std::tie(term, index); }
  friend auto operator<=>(const position&, const position&) = default;
};

/// Who belongs to the group (§4).
struct membership {
  std::vector<member_id> voters;
  /// Get the log, and count nowhere.
  std::vector<member_id> learners;

  auto fields() { return std::tie(voters, learners); }
  friend bool operator==(const membership&, const membership&) = default;

  bool has_voter(member_id x) const {
    return std::find(voters.begin(), voters.end(), x) != voters.end();
  }
  bool has_learner(member_id x) const {
    return std::find(learners.begin(), learners.end(), x) != learners.end();
  }
};

enum class entry_kind : std::uint8_t {
  /// The first of each leader: it shows what of earlier terms is committed (§6.4).
  empty,
  command,
  /// The group from here on, committed or not (§4.1).
  membership,
};

struct entry {
  position at;
  entry_kind kind = entry_kind::empty;
  /// Of a command.
  std::string data;
  /// Of a change of the group.
  membership members;

  auto fields() { return std::tie(at, kind, data, members); }
  friend bool operator==(const entry&, const entry&) = default;
};

/// §3.4, and §9.6 for `pre`: would you vote for me, were I to ask?
struct vote_request {
  bool pre = false;
  /// The leader itself wants this election (§3.10), so its lease does not stand against it.
  bool forced = false;
  position last;

  auto fields() { return std::tie(pre, forced, last); }
};

struct vote_answer {
  bool pre = false;
  bool granted = false;

  auto fields() { return std::tie(pre, granted); }
};

/// §3.5; without entries a heartbeat.
struct append_request {
  position previous;
  std::vector<entry> entries;
  std::uint64_t commit = 0;
  /// Rises with each heartbeat; the answer repeats it, which is how reads learn that the leader
  /// still was one (§6.4).
  std::uint64_t round = 0;

  auto fields() { return std::tie(previous, entries, commit, round); }
};

struct append_answer {
  bool accepted = false;
  /// `previous.index` of the request.
  std::uint64_t asked = 0;
  /// Accepted: up to here the logs are the same, and that is on the disk. Else: they may be so up
  /// to here.
  std::uint64_t index = 0;
  std::uint64_t round = 0;

  auto fields() { return std::tie(accepted, asked, index, round); }
};

/// A part of the state up to `last` (§5). What it is, only the state machine knows.
struct state_chunk {
  position last;
  membership members;
  std::uint64_t offset = 0;
  /// Of the whole state, in bytes.
  std::uint64_t size = 0;
  std::string bytes;
  std::uint64_t round = 0;

  auto fields() { return std::tie(last, members, offset, size, bytes, round); }
};

struct state_answer {
  position last;
  /// So many bytes are there; all of them: the state is installed and on the disk.
  std::uint64_t received = 0;
  std::uint64_t round = 0;

  auto fields() { return std::tie(last, received, round); }
};

/// Be the next leader (§3.10).
struct transfer_order {
  std::uint8_t reserved = 0;

  auto fields() { return std::tie(reserved); }
};

using body = std::variant<vote_request, vote_answer, append_request, append_answer, state_chunk,
                          state_answer, transfer_order>;

struct message {
  member_id from = nobody;
  member_id to = nobody;
  std::uint64_t term = 0;
  raft::body body;
};

} // namespace nacre::raft
