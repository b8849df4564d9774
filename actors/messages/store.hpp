#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/base/local_message.hpp"
#include "actors/base/ticket.hpp"
#include "protocol/agreed_change.hpp"
#include "protocol/store_message.hpp"

/// What is said of the store: between the METADATA KEEPER, which is the door to it, and the STORE,
/// between that and the STORE WRITER, which has the disk, and from STOREs of other nodes.
///
///   METADATA KEEPER ── propose ─────► STORE ── write_round ──► STORE WRITER
///                   ◄─ agreed_on ────┘  ▲   ◄─ round_written ──┘
///   DISTRO PEER ────── store_heard ─────┘
namespace nacre {

namespace raft {
struct disk_round;
struct state_image;
} // namespace raft
struct stored_contents;

// -- between METADATA KEEPER and STORE -----------------------------------------------------------

/// All nodes are to agree on this. The ticket goes with it to whoever shows it to readers.
struct propose {
  agreed::command what;
  /// Who asked for it, an address; empty for the node itself.
  std::string by;
  ticket_ptr answer;
  /// All nodes come to want it; that of the leader is enough.
  bool by_leader_only = false;
};

/// Readers see what was agreed on up to this entry of the log.
struct readers_saw {
  /// Drawn by the STORE for each whole state: what was sent before that one says nothing.
  std::uint64_t showing = 0;
  std::uint64_t index = 0;
};

/// Commands took effect, in this order, on every node.
struct agreed_on {
  struct effect {
    outcome done;
    std::optional<agreed::change> change;
    std::string by;
    /// Of who asked here.
    ticket_ptr answer;
  };
  std::deque<effect> effects;
  /// They make up all that is agreed on; nothing else is.
  bool is_whole_state = false;
  /// To be said when readers see them.
  readers_saw when_seen;
};

/// A METADATA KEEPER that begins wants all that is agreed on.
struct agreed_state_wanted {};

/// INTERNAL: readers see what they were shown last.
struct part_is_seen {};

// -- to the STORE --------------------------------------------------------------------------------

/// A read must see all that was acknowledged, by whatever node, before it was asked for. Completes
/// when readers of this node do.
struct confirm_reads {
  ticket_ptr answer;
};

/// Another node is to lead: completes when this one does no more. Refused if it does not lead.
struct transfer_leadership {
  /// An address or an identity; empty: whoever is best prepared.
  std::string to;
  ticket_ptr answer;
};

/// A node that will not come back is to be taken out of the group.
struct remove_member {
  /// An address or an identity.
  std::string who;
  ticket_ptr answer;
};

/// A store of another node says something.
struct store_heard {
  std::string address;
  store_message what;
};

/// INTERNAL: the turn in which something happened is over.
struct work_on_store {};

/// Completes with JSON that tells operators how the store fares.
struct describe_store {
  ticket_ptr answer;
};

// -- between STORE and STORE WRITER --------------------------------------------------------------

/// A STORE that begins wants what is on the disk.
struct load_store {};

/// A store that keeps nothing becomes a member of a group. Answered by what is on the disk then.
struct found_store {
  raft::member_id self = raft::nobody;
  std::uint64_t group = 0;
  raft::membership members;
};

/// What was on it; null if there was nothing.
struct store_loaded {
  std::shared_ptr<stored_contents> contents;
};

/// To be put on the disk as a whole.
struct write_round {
  std::shared_ptr<const raft::disk_round> what;
};

/// It is there.
struct round_written {
  std::uint64_t number = 0;
  /// How long the disk took.
  milliseconds took{0};
};

/// One part of a state of the machine, which is to take the place of the log up to it.
struct write_state_part {
  std::shared_ptr<const raft::state_image> state;
  std::size_t part = 0;
};

/// That part is there; with the last one the state counts.
struct state_part_written {
  std::uint64_t index = 0;
  std::size_t part = 0;
  bool is_last = false;
};

/// An operator wants a copy of what is on the disk: completes with its bytes.
struct copy_store {
  ticket_ptr answer;
};

/// The disk did not do what it was asked last.
struct disk_failed {
  std::string why;
};

/// What was sent to the disk may be lost: a STORE WRITER began in place of one that failed, or the
/// disk failed a while ago.
struct ask_disk_again {};

} // namespace nacre
