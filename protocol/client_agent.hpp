#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nacre {

struct switch_domain;

/// `major.minor.patch`
using agent_version = std::array<std::uint32_t, 3>;

/// Nothing unless `text` is three numbers with dots.
std::optional<agent_version> parse_version(std::string_view text);

/// Whether a client with this User-Agent gets UDP pushes (Nacos `ClientInfo`, `UdpPushService`):
/// known prefix, a version after `:v` that is no older than the switch asks, `pushEnabled` on.
bool qualifies_for_udp_push(std::string_view agent, const switch_domain& switches);

} // namespace nacre
