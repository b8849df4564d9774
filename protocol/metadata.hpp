#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacre {

/// Key-value pairs of an instance, a service or a cluster, sorted by key, keys unique. A flat
/// vector because most maps have no or few entries and there is one per instance.
using metadata_map = std::vector<std::pair<std::string, std::string>>;

/// The value of `key`, or null.
const std::string* find_metadata(const metadata_map& map, std::string_view key);

/// A map of `entries`, the last of the same key holding. For many at once: one after the other they
/// would take a time that grows with the square of their number, and a caller chooses the number.
metadata_map make_metadata(metadata_map entries);

void set_metadata(metadata_map& map, std::string_view key, std::string_view value);

/// `base` with the entries of `over` added or put in place of its own. One pass over both.
metadata_map merged(const metadata_map& base, const metadata_map& over);

/// `base` without the keys of `keys`. Likewise.
metadata_map without_keys(const metadata_map& base, const metadata_map& keys);

/// Characters of all keys and values as Java counts them.
std::size_t metadata_length(const metadata_map& map);

/// Reads the `metadata` parameter: a JSON object of scalars, else `k1=v1,k2=v2`.
/// `null` is no metadata, and null values are left out (SDKs refuse a null there). Nothing if it is
/// neither: the caller answers `metadata format incorrect:<raw>` (Nacos
/// `UtilsAndCommons.parseMetadata`).
std::optional<metadata_map> parse_metadata(std::string_view text);

/// Times of a lease in ms, from the reserved keys of an instance's metadata
/// (Nacos `PreservedMetadataKeys`); a value that is no plain number gives the default.
struct lease_terms {
  std::uint32_t beat_interval_ms = 5'000;
  std::uint32_t beat_timeout_ms = 15'000;
  std::uint32_t delete_timeout_ms = 30'000;

  friend bool operator==(const lease_terms&, const lease_terms&) = default;
};

lease_terms lease_terms_of(const metadata_map& map);

/// Whether `enableClientBeat=true` takes the owner of `map` out of the beat checks.
bool exempt_from_beat_checks(const metadata_map& map);

} // namespace nacre
