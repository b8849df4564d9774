#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// The one encoding of messages that we know besides none. Pure, any thread.
namespace nacre {

std::string gzip_packed(std::string_view bytes);

/// Nothing if `bytes` is not one whole gzip stream, or if more than `bytes_max` would come of it.
std::optional<std::string> gzip_unpacked(std::string_view bytes, std::size_t bytes_max);

} // namespace nacre
