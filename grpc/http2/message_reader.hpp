#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "grpc/http2/call_status.hpp"

namespace nacre {

/// Bytes in front of each message: whether it is compressed, and its length.
inline constexpr std::size_t message_prefix_bytes = 5;

/// Cuts the bytes of a call into gRPC's messages. What arrives in one piece is not copied.
class message_reader {
public:
  /// @param bytes_max of one message, also once it is unpacked
  explicit message_reader(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// The other end announced `grpc-encoding: gzip`.
  void expect_gzip() { gzip_ = true; }

  /// Whether the last message came compressed.
  bool was_packed() const { return packed_; }

  /// Calls `take(std::string_view)` with each message that is complete now; a view is valid during
  /// its call. Once something is wrong, no more bytes may come.
  /// @returns what is wrong with the bytes
  template <class Take>
  std::optional<call_status> read(std::string_view bytes, Take take) {
    while (!bytes.empty()) {
      if (auto wrong = read_prefix(bytes))
        return wrong;
      if (prefix_size_ < message_prefix_bytes)
        return std::nullopt;
      auto message = read_body(bytes);
      if (!message)
        return std::nullopt;
      if (auto wrong = unpack(*message))
        return wrong;
      prefix_size_ = 0;
      take(*message);
      release();
    }
    return std::nullopt;
  }

  /// Forgets what it has.
  void clear() {
    std::string().swap(partial_);
    prefix_size_ = 0;
  }

  /// Bytes that are kept of a message that is not complete.
  std::size_t kept() const { return partial_.size(); }

  /// Whether it stands in the middle of a message.
  bool is_amid() const { return prefix_size_ > 0; }

private:
  std::optional<call_status> read_prefix(std::string_view& bytes);
  /// The message if all of it is here; it may be a part of `bytes`.
  std::optional<std::string_view> read_body(std::string_view& bytes);
  std::optional<call_status> unpack(std::string_view& message);
  /// Keeps no large buffer.
  void release();

  const std::size_t bytes_max_;
  std::size_t length_ = 0;
  std::string partial_;
  unsigned char prefix_[message_prefix_bytes];
  std::uint8_t prefix_size_ = 0;
  bool gzip_ = false;
  bool packed_ = false;
};

/// The prefix of a message of `length` bytes.
void write_message_prefix(char (&out)[message_prefix_bytes], bool packed, std::size_t length);

} // namespace nacre
