#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/service_key.hpp"

namespace nacre {

/// Which services a fuzzy watch wants: `namespace>>group>>service`; group and service may have `*`
/// at either end (Nacos `FuzzyGroupKeyPattern`). Pure, any thread.
struct watch_pattern {
  std::string namespace_id;
  std::string group;
  std::string service;

  bool matches(const service_key_view& key) const;
};

/// Nothing if the text has not three parts, or a blank one.
std::optional<watch_pattern> parse_watch_pattern(std::string_view text);

/// `namespace@@group@@service`
std::string watched_key(const service_key_view& key);

} // namespace nacre
