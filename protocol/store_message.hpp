#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "protocol/raft_message.hpp"

/// What the STOREs of a cluster tell each other. Each message stands for itself: it may be lost,
/// come twice or after a later one. Pure, any thread.
namespace nacre {

/// Who a store is and what it knows; sent in a fixed interval.
struct store_hello {
  /// `host:port` of all members as the sender lists them, sorted.
  std::vector<std::string> members;
  /// Its log holds nothing: its group, if it has one, may never have begun.
  bool is_blank = false;
  /// Of its group, as far as it knows.
  raft::member_id leader = raft::nobody;

  auto fields() { return std::tie(members, is_blank, leader); }
};

/// Stores that keep nothing yet are to be that group.
struct store_offer {
  raft::membership members;

  auto fields() { return std::tie(members); }
};

/// For the core of one member.
struct store_raft {
  raft::member_id to = raft::nobody;
  std::uint64_t term = 0;
  raft::body body;

  auto fields() { return std::tie(to, term, body); }
};

/// The leader is to have these agreed on: each an `agreed::request` in bytes. There is no answer,
/// the sender finds them in its log; else it asks again.
struct store_request {
  std::vector<std::string> requests;

  auto fields() { return std::tie(requests); }
};

/// The leader is to say what a read that begins now must see (dissertation §6.4).
struct store_read {
  std::uint64_t id = 0;

  auto fields() { return std::tie(id); }
};

/// Everything up to `index`.
struct store_read_answer {
  std::uint64_t id = 0;
  std::uint64_t index = 0;

  auto fields() { return std::tie(id, index); }
};

struct store_message {
  /// 0: of a store that belongs to none.
  std::uint64_t group = 0;
  /// Who sends it, whatever its address.
  raft::member_id from = raft::nobody;
  /// New kinds go to the end: the index is on the wire.
  std::variant<store_hello, store_offer, store_raft, store_request, store_read, store_read_answer>
    what;

  auto fields() { return std::tie(group, from, what); }
};

} // namespace nacre
