#pragma once

#include <cstdint>
#include <string>

namespace nacre {

/// Why a write did not happen. `http/` maps each to the protocol's own answer in one place
/// (`http/server/reply.cpp`).
enum class ec : std::uint8_t {
  none,
  /// The actor that had the write ended, or the node is about to stop; asking again may help.
  unavailable,
  /// A bound of the node is reached (services, instances, namespaces).
  limit_reached,
  /// An ephemeral instance for a persistent service or the reverse.
  kind_conflict,
  /// The service does not exist.
  service_not_found,
  /// No actor has the id that was asked for.
  no_such_actor,
  /// The service exists already.
  service_exists,
  /// The service still has instances.
  service_not_empty,
  /// A beat without data for an instance nobody registered.
  lease_not_found,
  /// The namespace does not exist.
  namespace_not_found,
  /// The namespace exists already.
  namespace_exists,
  /// A value is not allowed; the text says which.
  illegal_value,
  /// A connection watches as many patterns as it may.
  watch_patterns_limit,
  /// A watched pattern matches more services than may be told.
  watch_matches_limit,
};

/// How a write ended: `ec::none`, or why not and the text for the caller.
struct outcome {
  ec code = ec::none;
  std::string text;

  bool ok() const { return code == ec::none; }
};

} // namespace nacre
