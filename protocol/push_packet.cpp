#include "protocol/push_packet.hpp"

#include <algorithm>
#include <stdexcept>

#include <zlib.h>

#include "protocol/json_reader.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Ends early, with nothing, once it is more than a datagram holds.
std::optional<std::string> gzip(const std::string& text) {
  constexpr int gzip_window_bits = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window_bits, 8,
                   Z_DEFAULT_STRATEGY)
      != Z_OK)
    throw std::runtime_error("zlib can't start");
  auto bound = deflateBound(&stream, static_cast<uLong>(text.size()));
  std::string packed(std::min<std::size_t>(bound, datagram_bytes_max), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  auto result = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (result == Z_STREAM_END)
    return packed;
  if (result == Z_OK || result == Z_BUF_ERROR)
    return std::nullopt;
  throw std::runtime_error("zlib can't finish");
}

} // namespace

std::optional<std::string> make_push_packet(std::string_view service_json, std::int64_t ref_time) {
  json_writer out;
  out.begin_object()
    .field("type", "dom")
    .field("data", service_json)
    .field("lastRefTime", ref_time)
    .end_object();
  auto text = out.take();
  return text.size() < compress_from_bytes ? text : gzip(text);
}

std::string make_probe_packet(std::int64_t ref_time) {
  json_writer out;
  out.begin_object()
    .field("type", "probe")
    .field("data", "")
    .field("lastRefTime", ref_time)
    .end_object();
  return out.take();
}

std::optional<std::int64_t> parse_push_ack(std::string_view datagram) {
  json_document document(datagram);
  auto root = document.root();
  auto type = root["type"].string();
  if (type != "push-ack" && type != "unknown-ack")
    return std::nullopt;
  auto number = root["lastRefTime"].scalar_text();
  return number ? parse_int64(*number) : std::nullopt;
}

} // namespace nacre
