#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/base/local_message.hpp"
#include "actors/base/supervisor.hpp"
#include "actors/base/ticket.hpp"

/// What is said of supervision and for the admin endpoint.
namespace nacre {

/// It is time to start a failed child again; `child` is its place among those of its kind.
struct respawn_child {
  std::size_t child = 0;
};

/// Asks any actor how it fares.
struct status_request {
  /// Whether `details` are wanted.
  bool detailed = false;
  /// Which children are to be named, for actors that have any.
  children_query children;
};

/// What an actor tells of itself.
struct actor_status {
  std::uint64_t id = 0;
  std::string kind;
  std::string key;
  std::uint64_t parent = 0;
  std::string summary;
  std::size_t mailbox_length = 0;
  std::uint64_t messages_handled = 0;
  std::uint32_t restarts = 0;
  std::string last_failure;
  std::int64_t age_ms = 0;
  /// A JSON object; empty unless asked for.
  std::string details;
  children_report children;
};

/// Asks the INSPECTOR for a report of all actors, or of one.
struct inspect {
  /// Only this one, with its details.
  std::optional<std::uint64_t> id;
  /// Of all: only this kind; empty means any.
  std::string kind;
  /// Only those whose key contains this.
  std::string key;
  /// Only the children of this one.
  std::optional<std::uint64_t> parent;
  std::size_t offset = 0;
  std::size_t limit = 1000;
  /// Completed with `ec::none` and the JSON as text.
  ticket_ptr answer;
};

/// Asks the INSPECTOR for the actor of an id.
struct find_actor {
  std::uint64_t id = 0;
};

/// The answer to it.
struct found_actor {
  /// Null if there is none.
  caf::strong_actor_ptr actor;
};

} // namespace nacre
