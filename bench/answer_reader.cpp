#include "bench/answer_reader.hpp"

#include "bench/failure.hpp"

#include <algorithm>
#include <charconv>

namespace nacre::bench {

namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t head_max = 64 * 1024;
constexpr std::size_t body_max = 64 * 1024 * 1024;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// `name` is in lower case already.
bool is_name(std::string_view text, std::string_view name) {
  return std::equal(text.begin(), text.end(), name.begin(), name.end(),
                    [](char x, char y) { return lower(x) == y; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

std::size_t read_size_text(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value > body_max)
    throw failure("an answer's body has no usable size: " + std::string(text));
  return value;
}

} // namespace

answer_reader::answer_reader() : buffer_(2 * read_size) {}

std::span<char> answer_reader::free_space() {
  if (buffer_.size() - filled_ < read_size)
    buffer_.resize(2 * buffer_.size());
  return std::span(buffer_).subspan(filled_);
}

std::string_view answer_reader::body() const {
  if (framing_ == framing::chunked)
    return joined_;
  return {buffer_.data() + body_begin_, length_};
}

void answer_reader::clear() {
  filled_ = body_begin_ = chunk_begin_ = length_ = 0;
  framing_ = framing::unknown;
  status_ = 0;
  keep_alive_ = true;
  joined_.clear();
}

bool answer_reader::commit(std::size_t count) {
  const auto searched = filled_;
  filled_ += count;
  if (body_begin_ == 0) {
    const std::string_view bytes(buffer_.data(), filled_);
    // The blank line may have begun with bytes that came earlier.
    const auto end = bytes.find("\r\n\r\n", searched < 3 ? 0 : searched - 3);
    if (end == bytes.npos) {
      if (filled_ > head_max)
        throw failure("an answer's head does not end");
      return false;
    }
    read_head(bytes.substr(0, end + 2));
    body_begin_ = chunk_begin_ = end + 4;
  }
  if (framing_ == framing::chunked)
    return read_chunks();
  if (filled_ > body_begin_ + length_)
    throw failure("a server sent more than its answer");
  return filled_ == body_begin_ + length_;
}

/// `head` holds the status line and the fields, each with its line end.
void answer_reader::read_head(std::string_view head) {
  if (!head.starts_with("HTTP/1.") || head.size() < 14 || head[8] != ' ')
    throw failure("no HTTP answer: " + std::string(head.substr(0, 80)));
  keep_alive_ = head[7] == '1';
  const auto [end, error] = std::from_chars(head.data() + 9, head.data() + 12, status_);
  if (error != std::errc{} || end != head.data() + 12)
    throw failure("no status in " + std::string(head.substr(0, 80)));
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.empty()) {
    const auto line_end = head.find("\r\n");
    read_field(head.substr(0, line_end));
    head.remove_prefix(line_end + 2);
  }
  if (framing_ == framing::unknown)
    throw failure("an answer of status " + std::to_string(status_)
                  + " has neither Content-Length nor chunks");
}

void answer_reader::read_field(std::string_view line) {
  // Only these first letters begin a name that matters, which spares most comparisons.
  if (line.empty() || (lower(line[0]) != 'c' && lower(line[0]) != 't'))
    return;
  const auto colon = line.find(':');
  if (colon == line.npos)
    throw failure("no header field: " + std::string(line.substr(0, 80)));
  const auto name = line.substr(0, colon);
  const auto value = trimmed(line.substr(colon + 1));
  if (is_name(name, "content-length")) {
    if (framing_ != framing::unknown)
      throw failure("an answer gives its length twice");
    length_ = read_size_text(value, 10);
    framing_ = framing::length;
  } else if (is_name(name, "transfer-encoding")) {
    if (framing_ != framing::unknown || !is_name(value, "chunked"))
      throw failure("an answer's transfer encoding cannot be read: " + std::string(value));
    framing_ = framing::chunked;
  } else if (is_name(name, "content-encoding") && !is_name(value, "identity")) {
    throw failure("an answer is encoded though nobody asked for it: " + std::string(value));
  } else if (is_name(name, "connection")) {
    keep_alive_ = !is_name(value, "close");
  }
}

/// Takes the whole chunks that have come; true after the last one and its trailer.
bool answer_reader::read_chunks() {
  const std::string_view bytes(buffer_.data(), filled_);
  for (;;) {
    const auto line_end = bytes.find("\r\n", chunk_begin_);
    if (line_end == bytes.npos)
      return false;
    auto line = bytes.substr(chunk_begin_, line_end - chunk_begin_);
    line = trimmed(line.substr(0, line.find(';')));
    const auto size = read_size_text(line, 16);
    const auto data = line_end + 2;
    if (size == 0) {
      // Without a trailer the blank line follows at once.
      const auto end = bytes.substr(data).starts_with("\r\n") ? data : bytes.find("\r\n\r\n", data);
      if (end == bytes.npos)
        return false;
      const auto after = end == data ? data + 2 : end + 4;
      if (after != filled_)
        throw failure("a server sent more than its answer");
      return true;
    }
    if (filled_ < data + size + 2)
      return false;
    if (bytes.substr(data + size, 2) != "\r\n" || joined_.size() + size > body_max)
      throw failure("a chunk does not end where it says");
    joined_.append(bytes.substr(data, size));
    chunk_begin_ = data + size + 2;
  }
}

} // namespace nacre::bench
