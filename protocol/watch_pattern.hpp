#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/service_key.hpp"

namespace nacre {

/// No key or pattern of a watch is longer. The longest key that the rules of names allow has 1,732
/// bytes: 64 of a namespace, 128 of a group, 512 characters of up to three each, `@@` twice; a
/// pattern has four `*` more.
inline constexpr std::size_t watch_text_bytes_max = 2'048;

/// Which services a fuzzy watch wants: `namespace>>group>>service`; group and service may have `*`
/// at either end (Nacos `FuzzyGroupKeyPattern`). Pure, any thread.
struct watch_pattern {
  std::string namespace_id;
  std::string group;
  std::string service;

  bool matches(const service_key_view& key) const;
};

/// What every text begins with that matches this group or service of a pattern.
std::string_view fixed_begin(std::string_view item);

/// Nothing if the text has not three parts, or a blank one.
std::optional<watch_pattern> parse_watch_pattern(std::string_view text);

/// `namespace@@group@@service`
std::string watched_key(const service_key_view& key);

} // namespace nacre
