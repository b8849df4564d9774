#pragma once

#include <cstdint>

#include "protocol/cluster_message.hpp"

namespace nacre {

/// What is known about one record apart from the record: who may say what of it.
struct merge_facts {
  /// This node is responsible for the client.
  bool is_responsible = false;
  /// As far as this node knows, the sender is responsible for it, or holds the connection.
  bool sender_is_responsible = false;
  /// Somebody heard of the client within its term: it lives, whoever says otherwise.
  bool fresh = false;
  /// The node that held the connection is lost.
  bool owner_lost = false;
};

/// What becomes of a record when a peer tells of it.
struct merge_result {
  enum class content : std::uint8_t {
    /// Mine stays as it is.
    mine,
    /// The peer's takes its place.
    theirs,
    /// Mine stays, as a newer version than the peer's.
    mine_renewed,
  };
  content keep = content::mine;
  /// What the record is from here on.
  record_state state = record_state::removed;
  /// The peer has to hear what this node holds.
  bool tell_sender = false;

  friend bool operator==(const merge_result&, const merge_result&) = default;
};

/// One side of a merge; version 0 is "never heard of it".
struct merge_side {
  std::int64_t version = 0;
  record_state state = record_state::removed;
};

/// The rules by which nodes come to agree, for one record:
/// what a client asked for last wins, by version; whether the client still lives is said by the
/// responsible node, but a node that heard the client within its term overrules all others.
/// Pure, any thread.
merge_result merge_record(const merge_side& mine, const merge_side& theirs,
                          const merge_facts& facts);

} // namespace nacre
