#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/store/raft_log.hpp"
#include "actors/store/raft_progress.hpp"
#include "protocol/raft_message.hpp"

namespace nacre::raft {

struct settings {
  member_id self = nobody;
  milliseconds heartbeat{100};
  /// A member that hears no leader asks for an election after a time between these two.
  milliseconds election_min{300};
  milliseconds election_max{600};
  /// Of entries in one request.
  std::size_t request_bytes_max = 512 * 1024;
  /// Requests to one member that wait for an answer.
  std::uint32_t in_flight_max = 64;
  std::size_t chunk_bytes = 256 * 1024;
  /// What the times of elections are drawn from.
  std::uint64_t seed = 1;
};

/// What must not be forgotten beside the log.
struct vote_state {
  std::uint64_t term = 0;
  member_id vote = nobody;

  friend bool operator==(const vote_state&, const vote_state&) = default;
};

/// A state of the machine in bytes, as of the entry `last`.
struct state_image {
  position last;
  membership members;
  std::shared_ptr<const std::string> bytes;
};

/// What a member has on its disk when it starts.
struct stored_member {
  vote_state vote;
  /// The last entry that the stored state covers, and the group as of then.
  position base;
  membership members;
  std::vector<entry> entries;
  /// Up to here all is committed, as far as was known when something was written last.
  std::uint64_t commit = 0;

  /// The latest group.
  const membership& group() const;
};

/// What is to be put on the disk in one transaction. In this order: the state, which takes the
/// place of everything; then the entries, which take that of all from the first one's index on.
struct disk_round {
  std::uint64_t number = 0;
  std::optional<vote_state> vote;
  std::optional<state_image> state;
  std::vector<entry> entries;
  /// What is known to be committed, none of it behind these entries.
  std::uint64_t commit = 0;
};

/// A read that asked (§6.4): it sees what it must when everything up to `index` is applied.
struct read_ready {
  std::uint64_t id = 0;
  std::uint64_t index = 0;
};

enum class role : std::uint8_t { follower, pre_candidate, candidate, leader };

std::string_view to_string(role x);

/// One member of a Raft group, in the shape of etcd's raft: what happens goes in, what is to be
/// done comes out. No clock, thread, disk, socket or random source of its own.
///
/// Its user sends what `take_messages` gives, puts on the disk what `take_round` gives and then
/// calls `on_persisted`, and applies what `take_committed` gives, in order. There may be any time
/// between these, and a member that is not told that something persisted waits for it.
class core {
public:
  core(settings how, stored_member stored, steady_time now);

  // -- what happens
  void tick(steady_time now);
  /// From a member or from who was one; anything else is dropped by the user.
  void step(message x);
  /// The round of that number is on the disk.
  void on_persisted(std::uint64_t number);

  // -- what is asked for. Of these a leader takes what it can, a follower nothing.
  /// The place of the command, which may still be lost; nothing if this is no leader, or one that
  /// goes.
  std::optional<position> propose(std::string command);
  /// Another group, which differs in one voter at most (§4.1). Nothing if that can't be now.
  std::optional<position> change_members(membership next);
  /// Lets that voter lead (§3.10); false if it can't. It is given up after `election_max`.
  bool transfer(member_id to);
  /// Leads no more: its user can't keep what a leader must.
  void step_down();
  /// Comes back as a `read_ready`, or never if this ceases to lead. False if this does not lead.
  bool read(std::uint64_t id);

  /// A state that ends behind what is applied here, for members that need one; and a stored one
  /// covers the log up to `index`, which was applied.
  void offer_state(std::uint64_t index, std::shared_ptr<const std::string> bytes);
  void compact(std::uint64_t index);

  // -- what is to be done
  std::vector<message> take_messages();
  /// Nothing while one is on its way. @param for_commit whether a commit that is not on the disk
  /// yet is worth one
  std::optional<disk_round> take_round(bool for_commit = false);
  /// What is committed, and on this disk; it counts as applied.
  std::vector<entry> take_committed();
  std::vector<read_ready> take_reads();
  /// A member needs a state that `offer_state` is to give.
  bool wants_state() const { return wants_state_; }

  // -- what is to be seen
  member_id self() const { return how_.self; }
  raft::role role() const { return role_; }
  bool leads() const { return role_ == role::leader; }
  member_id leader() const { return leader_; }
  std::uint64_t term() const { return vote_.term; }
  std::uint64_t commit() const { return commit_; }
  std::uint64_t applied() const { return applied_; }
  std::uint64_t persisted() const { return persisted_; }
  const raft::log& entries() const { return log_; }
  /// Of the leader, about each other member.
  const std::map<member_id, progress>& members() const { return progress_; }
  /// Whether an entry of the own term is committed, so that the leader knows what is.
  bool knows_commit() const { return commit_ >= term_began_; }
  bool changes_members() const { return log_.members_index() > commit_; }
  member_id transfers_to() const { return transfer_to_; }

private:
  // -- elections: raft_election.cpp
  bool may_campaign() const;
  void reset_election_timer();
  void become_follower(std::uint64_t term, member_id leader);
  void campaign(bool pre, bool forced);
  void become_leader();
  bool hears_leader() const;
  /// False if the message is not to be looked at further.
  bool observe_term(const message& x);
  void on(const message& from, const vote_request& x);
  void on(const message& from, const vote_answer& x);
  void on(const message& from, const transfer_order& x);
  void check_quorum();
  void count_votes();

  // -- replication: raft_replication.cpp
  void on(const message& from, append_request& x);
  void on(const message& from, const append_answer& x);
  void on(const message& from, state_chunk& x);
  void on(const message& from, const state_answer& x);
  void follow_leader(member_id from);
  /// Notes an answer to the leader. Null if it is none, or not of a member.
  progress* hear(member_id from, std::uint64_t round);
  position append(entry_kind kind, std::string data, membership members);
  void take_entries(std::vector<entry>& entries);
  void install_state(const state_chunk& x, std::string bytes);
  /// Keeps one `progress` for each member of the latest group.
  void follow_members();
  /// Sends all members what they lack.
  void flush();
  void send_heartbeats();
  void send_next(member_id to, progress& x);
  void send_append(member_id to, progress& x, bool with_entries);
  void send_chunk(member_id to, progress& x);
  void advance_commit();
  bool was_answered(std::uint64_t round) const;
  void start_reads();
  void release_reads();
  void finish_transfer(member_id to);
  void leave_if_removed();

  message make(member_id to, body x) const { return {how_.self, to, vote_.term, std::move(x)}; }
  void send(member_id to, body x) { messages_.push_back(make(to, std::move(x))); }
  /// Once what is not on the disk yet is there.
  void send_when_persisted(member_id to, body x);
  bool is_dirty() const;
  /// Whether more than half of the voters are such.
  template <class Predicate>
  bool is_quorum(Predicate holds_for) const;
  std::uint64_t random();

  const settings how_;
  steady_time now_;
  std::uint64_t random_;

  raft::role role_ = role::follower;
  member_id leader_ = nobody;
  vote_state vote_;
  raft::log log_;
  std::uint64_t commit_;
  std::uint64_t applied_;
  /// Up to here the log is on the disk.
  std::uint64_t persisted_;

  steady_time election_due_ = never;
  /// When the leader was heard last.
  steady_time heard_leader_ = never;
  steady_time heartbeat_due_ = never;
  steady_time quorum_due_ = never;

  /// Of a candidate.
  std::map<member_id, bool> votes_;
  bool forced_ = false;

  /// Of a leader.
  std::map<member_id, progress> progress_;
  std::uint64_t term_began_ = 0;
  std::uint64_t round_ = 0;
  struct pending_read {
    std::uint64_t id;
    std::uint64_t index;
    /// The heartbeat that a majority must answer; 0: the next.
    std::uint64_t round;
  };
  std::deque<pending_read> pending_reads_;
  member_id transfer_to_ = nobody;
  steady_time transfer_until_ = never;
  std::optional<state_image> offered_;
  bool wants_state_ = false;

  /// Of a follower that gets a state.
  struct incoming {
    position last;
    std::string bytes;
  };
  std::optional<incoming> incoming_;

  // -- to be done
  std::vector<message> messages_;
  std::vector<message> messages_after_;
  std::vector<read_ready> reads_;
  vote_state stored_vote_;
  std::uint64_t stored_commit_;
  std::optional<state_image> state_to_store_;
  /// From here on the log is not on the disk, nor on its way there.
  std::uint64_t dirty_from_;
  struct round_under_way {
    std::uint64_t number;
    /// The end of the log as of then.
    position last;
    /// Those that wait for it.
    std::vector<message> messages;
  };
  std::optional<round_under_way> under_way_;
  std::uint64_t rounds_ = 0;
};

} // namespace nacre::raft
