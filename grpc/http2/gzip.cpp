#include "grpc/http2/gzip.hpp"

#include <algorithm>
#include <stdexcept>

#include <zlib.h>

namespace nacre {

namespace {

/// Largest window, with the head and the end of gzip.
constexpr int window_bits = 15 + 16;

Bytef* input_of(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

} // namespace

std::string gzip_packed(std::string_view bytes) {
  z_stream z{};
  constexpr int memory_level = 8;
  if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, memory_level,
                   Z_DEFAULT_STRATEGY)
      != Z_OK)
    throw std::runtime_error("no memory to compress with");
  std::string packed(deflateBound(&z, bytes.size()), '\0');
  z.next_in = input_of(bytes);
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

std::optional<std::string> gzip_unpacked(std::string_view bytes, std::size_t bytes_max) {
  z_stream z{};
  if (inflateInit2(&z, window_bits) != Z_OK)
    return std::nullopt;
  constexpr std::size_t first_bytes = 4096;
  std::string text;
  z.next_in = input_of(bytes);
  z.avail_in = static_cast<uInt>(bytes.size());
  int state = Z_OK;
  // One byte more than may be: so it shows when there is more.
  while (state == Z_OK && text.size() <= bytes_max) {
    auto before = text.size();
    text.resize(std::min(std::max(first_bytes, 2 * before), bytes_max + 1));
    z.next_out = reinterpret_cast<Bytef*>(text.data() + before);
    z.avail_out = static_cast<uInt>(text.size() - before);
    state = inflate(&z, Z_NO_FLUSH);
    text.resize(z.total_out);
    if (state == Z_BUF_ERROR || (state == Z_OK && z.avail_in == 0 && z.avail_out > 0))
      break; // it ends too early
  }
  bool whole = state == Z_STREAM_END && z.avail_in == 0 && text.size() <= bytes_max;
  inflateEnd(&z);
  return whole ? std::optional(std::move(text)) : std::nullopt;
}

} // namespace nacre
