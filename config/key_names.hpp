#pragma once

#include <string>
#include <string_view>

/// The spellings of one property key, as Spring Boot relaxes them. Pure; any thread may call.
namespace nacre {

/// What all spellings of a key have in common: lower case, no dashes, no underscores. So
/// `server.servlet.context-path` is `server.servlet.contextPath`.
std::string canonical_key(std::string_view key);

/// The environment variable of a key, dashes dropped: NACOS_NAMING_CLEAN_EMPTYSERVICE_INTERVAL.
std::string compact_variable(std::string_view key);

/// The same with dashes as underscores: NACOS_NAMING_CLEAN_EMPTY_SERVICE_INTERVAL.
std::string spaced_variable(std::string_view key);

} // namespace nacre
