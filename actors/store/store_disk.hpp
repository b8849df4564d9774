#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "actors/store/raft_core.hpp"

namespace nacre {

/// The disk does not do what it must, or what is on it can't be used; the text says what and where.
struct store_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Who a node is in its group, whatever its address.
struct store_identity {
  raft::member_id self = raft::nobody;
  /// Of the group: logs of different groups never meet.
  std::uint64_t group = 0;

  friend bool operator==(const store_identity&, const store_identity&) = default;
};

/// All that a folder keeps.
struct stored_contents {
  store_identity identity;
  raft::stored_member member;
  /// As of `member.base`; empty if there was none yet.
  std::string state;
};

/// Where the store keeps what must not be forgotten. Each call has happened as a whole, and for
/// good, when it returns, or throws `store_error` and has not happened. One thread at a time.
class store_disk {
public:
  virtual ~store_disk() = default;

  /// To be called first. Nothing in a folder that `found` was not called on.
  virtual std::optional<stored_contents> load() = 0;

  /// Who this is, and the group as it begins. In place of another one in which nothing was written
  /// but votes; `store_error` if more was.
  virtual void found(const store_identity& identity, const raft::membership& members) = 0;

  virtual void write(const raft::disk_round& round) = 0;

  /// A state of this machine in place of the stored one, in parts, so that rounds come between: the
  /// last part makes it count, and the log up to `last` ends.
  virtual void write_state_part(const raft::state_image& state, std::size_t part) = 0;
  /// How many parts a state has.
  virtual std::size_t state_parts(const raft::state_image& state) const = 0;

  /// A copy of all of it, as of now, in the form of a file.
  virtual std::string copy() const = 0;

  /// Bytes on the disk.
  virtual std::uint64_t size() const = 0;
};

} // namespace nacre
