#pragma once

#include <string_view>

#include <nghttp2/nghttp2.h>

namespace nacre {

/// A header to be sent; nghttp2 copies it unless told otherwise.
inline nghttp2_nv sent_header(std::string_view name, std::string_view value,
                              std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
  auto bytes = [](std::string_view x) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(x.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), flags};
}

/// One whose texts live for ever.
inline nghttp2_nv constant_header(std::string_view name, std::string_view value) {
  return sent_header(name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE);
}

} // namespace nacre
