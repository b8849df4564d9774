#include "grpc/http2/message_reader.hpp"

#include <algorithm>

#include "grpc/http2/gzip.hpp"

namespace nacre {

namespace {

call_status too_large(std::size_t max, std::size_t size) {
  return {status_code::resource_exhausted,
          "gRPC message exceeds maximum size " + std::to_string(max) + ": " + std::to_string(size)};
}

} // namespace

std::optional<call_status> message_reader::read_prefix(std::string_view& bytes) {
  auto n = std::min(message_prefix_bytes - prefix_size_, bytes.size());
  std::copy_n(bytes.data(), n, prefix_ + prefix_size_);
  prefix_size_ = static_cast<std::uint8_t>(prefix_size_ + n);
  bytes.remove_prefix(n);
  if (n == 0 || prefix_size_ < message_prefix_bytes)
    return std::nullopt;
  if (prefix_[0] > 1)
    return call_status{status_code::internal, "reserved bits are set in front of a message"};
  packed_ = prefix_[0] == 1;
  if (packed_ && !gzip_)
    return call_status{status_code::internal, "a compressed message without a grpc-encoding"};
  length_ = std::size_t(prefix_[1]) << 24 | std::size_t(prefix_[2]) << 16
            | std::size_t(prefix_[3]) << 8 | prefix_[4];
  if (length_ > bytes_max_)
    return too_large(bytes_max_, length_);
  return std::nullopt;
}

std::optional<std::string_view> message_reader::read_body(std::string_view& bytes) {
  auto n = std::min(length_ - partial_.size(), bytes.size());
  auto piece = bytes.substr(0, n);
  bytes.remove_prefix(n);
  if (partial_.empty() && n == length_)
    return piece;
  partial_.append(piece);
  if (partial_.size() < length_)
    return std::nullopt;
  return partial_;
}

std::optional<call_status> message_reader::unpack(std::string_view& message) {
  if (!packed_)
    return std::nullopt;
  auto text = gzip_unpacked(message, bytes_max_);
  if (!text)
    return call_status{status_code::internal, "a compressed message that can't be unpacked, or is "
                                              "too large then"};
  partial_ = std::move(*text);
  message = partial_;
  return std::nullopt;
}

void message_reader::release() {
  constexpr std::size_t kept_bytes_max = 4096;
  if (partial_.capacity() > kept_bytes_max)
    std::string().swap(partial_);
  else
    partial_.clear();
}

void write_message_prefix(char (&out)[message_prefix_bytes], bool packed, std::size_t length) {
  out[0] = packed ? 1 : 0;
  for (int i = 1; i < 5; ++i)
    out[i] = static_cast<char>(length >> (32 - 8 * i));
}

} // namespace nacre
