#include "protocol/metadata.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "protocol/json_reader.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

auto lower_bound(const metadata_map& map, std::string_view key) {
  return std::lower_bound(map.begin(), map.end(), key,
                          [](const auto& entry, std::string_view k) { return entry.first < k; });
}

constexpr auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };

std::optional<metadata_map> parse_pairs(std::string_view text) {
  metadata_map map;
  // Java's split drops empty parts at the end.
  text = text.substr(0, text.find_last_not_of(',') + 1);
  for (auto pair : split(text, ',')) {
    auto eq = pair.find('=');
    if (eq == std::string_view::npos || eq + 1 == pair.size()
        || pair.find('=', eq + 1) != std::string_view::npos)
      return std::nullopt;
    map.emplace_back(pair.substr(0, eq), pair.substr(eq + 1));
  }
  return make_metadata(std::move(map));
}

std::optional<metadata_map> parse_object(std::string_view text) {
  json_document document(text);
  if (!document.root().is_object())
    return std::nullopt;
  metadata_map map;
  for (auto [key, value] : document.root().members()) {
    if (value.is_null())
      continue;
    auto scalar = value.scalar_text();
    if (!scalar)
      return std::nullopt;
    map.emplace_back(key, std::move(*scalar));
  }
  return make_metadata(std::move(map));
}

std::uint32_t reserved_number(const metadata_map& map, std::string_view key,
                              std::uint32_t otherwise) {
  auto text = find_metadata(map, key);
  if (!text || text->empty()
      || !std::all_of(text->begin(), text->end(), [](char c) { return c >= '0' && c <= '9'; }))
    return otherwise;
  // A term longer than 24 days means "never" and is cut there, so that sums can't overflow.
  auto value = parse_int64(*text).value_or(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::uint32_t>(
    std::min<std::int64_t>(value, std::numeric_limits<std::int32_t>::max()));
}

} // namespace

const std::string* find_metadata(const metadata_map& map, std::string_view key) {
  auto i = lower_bound(map, key);
  return i != map.end() && i->first == key ? &i->second : nullptr;
}

metadata_map make_metadata(metadata_map entries) {
  std::stable_sort(entries.begin(), entries.end(), by_key);
  // From the back, so that the last of the same key is the one that stays.
  auto kept = std::unique(entries.rbegin(), entries.rend(),
                          [](const auto& a, const auto& b) { return a.first == b.first; });
  entries.erase(entries.begin(), kept.base());
  return entries;
}

void set_metadata(metadata_map& map, std::string_view key, std::string_view value) {
  auto i = map.begin() + (lower_bound(map, key) - map.cbegin());
  if (i != map.end() && i->first == key)
    i->second = value;
  else
    map.emplace(i, key, value);
}

metadata_map merged(const metadata_map& base, const metadata_map& over) {
  metadata_map result;
  result.reserve(base.size() + over.size());
  // Of two that have the same key the first one is taken.
  std::set_union(over.begin(), over.end(), base.begin(), base.end(), std::back_inserter(result),
                 by_key);
  return result;
}

metadata_map without_keys(const metadata_map& base, const metadata_map& keys) {
  metadata_map result;
  std::set_difference(base.begin(), base.end(), keys.begin(), keys.end(),
                      std::back_inserter(result), by_key);
  return result;
}

std::size_t metadata_length(const metadata_map& map) {
  std::size_t n = 0;
  for (auto& [key, value] : map)
    n += utf16_length(key) + utf16_length(value);
  return n;
}

std::optional<metadata_map> parse_metadata(std::string_view text) {
  auto trimmed = trim(text);
  // Clients that serialise a map they have not got send `null`.
  if (trimmed.empty() || trimmed == "null")
    return metadata_map{};
  // Only an object can be JSON metadata: anything else goes to the pair form without a try.
  if (trimmed.front() == '{')
    return parse_object(text);
  return parse_pairs(text);
}

lease_terms lease_terms_of(const metadata_map& map) {
  lease_terms terms;
  if (map.empty())
    return terms;
  terms.beat_interval_ms =
    reserved_number(map, "preserved.heart.beat.interval", terms.beat_interval_ms);
  terms.beat_timeout_ms =
    reserved_number(map, "preserved.heart.beat.timeout", terms.beat_timeout_ms);
  terms.delete_timeout_ms =
    reserved_number(map, "preserved.ip.delete.timeout", terms.delete_timeout_ms);
  return terms;
}

bool exempt_from_beat_checks(const metadata_map& map) {
  auto value = find_metadata(map, "enableClientBeat");
  return value && parse_lenient_bool(*value);
}

} // namespace nacre
