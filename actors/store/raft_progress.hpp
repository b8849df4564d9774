#pragma once

#include <cstdint>

#include "protocol/raft_message.hpp"

namespace nacre::raft {

/// What the leader knows of one other member (etcd's raft, `tracker/progress.go`). Pure.
struct progress {
  enum class state : std::uint8_t {
    /// Where the logs part is not known: one request at a time looks for it.
    probe,
    /// Entries are sent ahead of their answers.
    replicate,
    /// The log here begins later than what the member has: it gets the state.
    state,
  };

  state how = state::probe;
  /// Up to here its log is the same as the leader's, on its disk.
  std::uint64_t matched = 0;
  /// What it is to be sent next.
  std::uint64_t next = 1;
  /// Requests with entries that it did not answer yet; in `replicate`.
  std::uint32_t in_flight = 0;
  /// A probe or chunk is under way; another is sent with the next heartbeat.
  bool waits = false;
  /// It answered anything since the quorum was checked last (§6.2).
  bool active = false;
  /// The latest heartbeat that it answered.
  std::uint64_t round = 0;
  /// What it was told to be committed.
  std::uint64_t told_commit = 0;
  /// In `state`: which one it gets, and how much of it it has.
  position state_last;
  std::uint64_t state_bytes = 0;

  void become_probe() {
    how = state::probe;
    next = matched + 1;
    in_flight = 0;
    waits = false;
  }
  void become_replicate() {
    how = state::replicate;
    next = matched + 1;
    in_flight = 0;
    waits = false;
  }
};

} // namespace nacre::raft
