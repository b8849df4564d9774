#pragma once

#include <string_view>

#include "http/server/http_call.hpp"

namespace nacre {

/// What nacre's own admin calls answer: the JSON that an actor gave, or `{"error":…}`.
reply report_or_error(const outcome& result);

/// The service that a parameter of an admin call names, `[group@@]name` with `groupName` and
/// `namespaceId` beside it; null if it is missing.
service_ref named_service(const http_call& c, std::string_view key);

} // namespace nacre
