#pragma once

#include <string>
#include <string_view>

#include "protocol/cluster_message.hpp"
#include "protocol/unreadable_frame.hpp"

namespace nacre {

/// First byte of every frame; another one is refused as a whole.
inline constexpr std::uint8_t cluster_codec_version = 1;

/// A frame of the cluster link: version, kind, incarnation of the sender, body in cereal's terms,
/// little endian. Pure, any thread.
std::string encode_frame(const cluster_frame& frame);

/// Sizes are compared with the bytes that are there before anything is allocated.
/// @throws unreadable_frame
cluster_frame decode_frame(std::string_view bytes);

} // namespace nacre
