#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

/// Reads one HTTP/1.1 answer at a time from the bytes of a connection. Knows only what registries
/// send (Content-Length or chunked), so that it costs far less than the server under load; all else
/// throws `failure` rather than being counted as an answer.
class answer_reader {
public:
  answer_reader();

  /// Room for the next bytes; valid until the next call.
  [[nodiscard]] std::span<char> free_space();

  /// Takes the first `count` bytes of `free_space()` as received; true once the answer is whole.
  bool commit(std::size_t count);

  /// Readable once the answer is whole, until `clear()`.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] std::string_view body() const;

  /// Whether the server means to keep the connection.
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }

  /// Whether any byte of an answer has come.
  [[nodiscard]] bool empty() const { return filled_ == 0; }

  /// Makes ready for the next answer.
  void clear();

private:
  enum class framing { unknown, length, chunked };

  void read_head(std::string_view head);
  void read_field(std::string_view line);
  bool read_chunks();

  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  std::size_t body_begin_ = 0; // 0 until the head is whole
  std::size_t chunk_begin_ = 0;
  std::size_t length_ = 0;
  framing framing_ = framing::unknown;
  int status_ = 0;
  bool keep_alive_ = true;
  std::string joined_; // the body of a chunked answer
};

} // namespace nacre::bench
