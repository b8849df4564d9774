#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/metadata.hpp"

namespace nacre {

/// A full heart beat as an SDK sends it in the `beat` parameter (Nacos `RsInfo`); keys we don't
/// use are ignored.
struct beat_info {
  std::string ip;
  std::int32_t port = 0;
  /// Empty: the request's own cluster holds.
  std::string cluster;
  std::string service_name;
  /// 1 when the beat has none: the reference would register the instance with weight 0, so that
  /// nobody calls it (hyperf#5351).
  double weight = 1.0;
  bool ephemeral = true;
  metadata_map metadata;
  /// Why it can renew an instance but register none: a field of the wrong type, or one that
  /// says it is persistent. Empty if it can.
  std::string unfit;
};

/// Nothing if `json` is no JSON object or a field that names the instance is of the wrong type;
/// `reason` says why.
std::optional<beat_info> parse_beat(std::string_view json, std::string& reason);

/// `{"clientBeatInterval":…,"code":…,"lightBeatEnabled":…}`
std::string beat_answer(std::uint32_t interval_ms, int code, bool light_beat_enabled);

inline constexpr int beat_ok = 10200;
inline constexpr int beat_resource_not_found = 20404;

} // namespace nacre
