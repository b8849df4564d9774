#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "actors/store/agreed_state.hpp"
#include "actors/store/raft_core.hpp"

namespace nacre::test {

/// What no run may show.
class raft_violation : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A whole group in virtual time, its disks and its links, with every fault that a seed brings:
/// messages that are lost, late, doubled or out of order, cuts in one or both directions, processes
/// that stand still or crash with what they had not on the disk, members that come and go. The
/// rules that must hold (election safety, log matching, leader completeness, state machine safety,
/// linearizable reads, nothing acknowledged is lost) are checked at every step.
class raft_world {
public:
  explicit raft_world(std::uint64_t seed);

  /// Faults for a while, then none until all agree. @throws raft_violation
  void run();

private:
  using id = raft::member_id;
  using time = steady_time;

  /// What the entries make, in bytes when it is sent or stored.
  struct machine {
    std::uint64_t applied = 0;
    /// Of all entries up to there.
    std::uint64_t hash = 0;
    agreed_state state;

    outcome apply(const raft::entry& x);
    std::string save() const;
    static machine load(const std::string& bytes);
  };

  struct disk {
    raft::vote_state vote;
    raft::position base;
    raft::membership members;
    std::string state;
    std::vector<raft::entry> entries;
    std::uint64_t commit = 0;

    void write(const raft::disk_round& x);
  };

  struct node {
    id self = raft::nobody;
    disk stored;
    std::unique_ptr<raft::core> core;
    machine state;
    /// Being written, until then.
    std::optional<raft::disk_round> writing;
    time written{};
    time resumes{};
    std::uint64_t seen_commit = 0;
  };

  struct flying {
    time arrives;
    raft::message what;
  };

  // -- time
  void step();
  void work(node& x);
  void advance_disk(node& x);
  void deliver();
  void send(raft::message x);

  // -- what goes wrong
  void fault();
  void attack_leader();
  void heal();
  void crash(node& x);
  void start(node& x);
  bool is_cut(id from, id to) const { return cuts_.count({from, to}) != 0; }

  // -- what is asked for
  void ask();
  void propose(node& x);
  void change_members(node& x);
  void compact(node& x);

  // -- what must hold
  void check_entries(const node& x, const std::vector<raft::entry>& entries);
  void check_leader(const node& x);
  void check_commit(node& x);
  void check_applied(node& x, const raft::entry& e);
  void check_reads(node& x);
  void check_agreement();
  [[noreturn]] void violated(const std::string& what) const;

  node* leader();
  node* find(id x);
  std::uint64_t any(std::uint64_t n) { return rng_() % n; }
  bool one_in(std::uint64_t n) { return any(n) == 0; }

  const std::uint64_t seed_;
  std::mt19937_64 rng_;
  time now_{};
  std::vector<node> nodes_;
  std::vector<flying> network_;
  std::set<std::pair<id, id>> cuts_;
  /// Messages of 1,000 that are lost, and the longest way in ms.
  std::uint64_t loss_ = 0;
  std::uint64_t delay_ms_ = 10;
  std::uint64_t disk_ms_ = 5;
  bool faulty_ = true;
  std::uint64_t faults_every_ = 1;
  std::uint64_t attacks_every_ = 1;
  std::uint64_t changes_every_ = 1;
  /// Whether who joins learns first.
  bool by_learners_ = true;

  std::uint64_t requests_ = 0;
  /// The latest, some of which are sent again, as a client does that heard no answer.
  std::vector<agreed::request> sent_;
  std::uint64_t reads_ = 0;
  /// Where a request was put by whom, until it is known what became of it.
  std::map<std::pair<id, std::uint64_t>, std::pair<raft::position, std::uint64_t>> asked_;
  /// Acknowledged requests.
  std::set<std::uint64_t> acknowledged_;
  /// The last entry that somebody acknowledged.
  std::uint64_t acknowledged_index_ = 0;
  std::map<std::uint64_t, std::uint64_t> begun_reads_;

  std::map<std::uint64_t, id> leaders_;
  /// Term of the entry before, and the entry, by position.
  std::map<raft::position, std::pair<std::uint64_t, raft::entry>> entries_;
  struct commit {
    raft::entry what;
    /// The term in which it was committed: leaders of later ones must have it.
    std::uint64_t by;
  };
  std::map<std::uint64_t, commit> committed_;
  /// Hash of the machine by index.
  std::map<std::uint64_t, std::uint64_t> states_;
};

/// Runs the world of a seed. @returns what was violated, empty if nothing
std::string run_raft_world(std::uint64_t seed);

} // namespace nacre::test
