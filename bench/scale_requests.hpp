#pragma once

#include "bench/fleet.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace nacre::bench {

/// After how long without beats an instance is unhealthy, and gone.
struct beat_terms {
  std::int64_t unhealthy_ms = 0;
  std::int64_t gone_ms = 0;
};

/// The instance that is registered as the `number`th. Services are filled a thousand at a time, so
/// that each part of a fill makes as many new services as any other, and neighbours in time are
/// neighbours in no service.
std::size_t nth_instance(const fleet& all, std::size_t number);

/// An order of all instances that jumps, as clients of a thousand machines beat: `number` counts on
/// and on.
std::size_t jumping(std::size_t number, std::size_t count);

/// POST of one instance with three entries of metadata, as a Spring Cloud application sends them.
std::string scale_registration(const fleet& all, std::size_t instance, const beat_terms& terms);

/// The message of the same registration by gRPC.
std::string scale_remote_registration(const fleet& all, std::size_t service, std::size_t instance);

} // namespace nacre::bench
