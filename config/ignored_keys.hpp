#pragma once

#include <string_view>

/// Names that Nacos, its container image or Spring know and that mean nothing here. They may stay
/// in a file or an environment written for Nacos; whoever loads them says so in a warning.
namespace nacre {

/// Whether `key` (any relaxed spelling) is a property without meaning here. Parts of Nacos this
/// registry has not are listed as families; in the parts it has, every key is listed by name, so
/// that a typing error there is not taken for one of them.
bool is_ignored_key(std::string_view key);

/// The same for an environment variable.
bool is_ignored_variable(std::string_view name);

} // namespace nacre
