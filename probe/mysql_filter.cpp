#include "probe/mysql_filter.hpp"

namespace nacre {

namespace {

constexpr std::size_t packet_bytes_max = 64 * 1024;
/// Of a greeting, a step of the login, or a column's name and type.
constexpr std::size_t short_packet_bytes_max = 4096;
constexpr unsigned login_packets_max = 8;
constexpr unsigned columns_max = 250;

constexpr unsigned char protocol_version = 10;
constexpr unsigned char error_mark = 0xFF;
constexpr unsigned char end_mark = 0xFE;

/// Of a greeting, behind the NUL that ends the server's version.
constexpr std::size_t capabilities_at = 4 + 8 + 1;
constexpr std::size_t high_capabilities_at = capabilities_at + 2 + 1 + 2;
constexpr std::size_t challenge_length_at = high_capabilities_at + 2;
constexpr std::size_t fixed_bytes = challenge_length_at + 1 + 10 + 12 + 1;
constexpr unsigned char session_tracking = 0x80; // bit 23 of the capabilities
constexpr unsigned char plugin_names = 0x08;     // bit 19
constexpr unsigned char challenge_bytes = 21;

unsigned char at(const std::string& text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

/// One byte, behind which MariaDB says that the columns are told of, too.
bool is_column_count(const std::string& body) {
  return body.size() == 1 || (body.size() == 2 && at(body, 1) == 1);
}

} // namespace

bool mysql_filter::expect_answer() {
  bool is_quiet = header_bytes_ == 0 && at_ == stage::login;
  at_ = stage::answer;
  return is_quiet;
}

bool mysql_filter::take(unsigned char* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    if (!(header_bytes_ < 4 ? take_header(bytes[i]) : take_body(bytes + i)))
      return false;
  return true;
}

bool mysql_filter::take_header(unsigned char byte) {
  if (header_bytes_ == 0) {
    length_ = seen_ = 0;
    body_.clear();
  }
  if (header_bytes_ < 3)
    length_ |= static_cast<std::size_t>(byte) << (8 * header_bytes_);
  ++header_bytes_;
  return header_bytes_ < 4 || (length_ > 0 && length_ < packet_bytes_max && is_short_enough());
}

bool mysql_filter::is_short_enough() const {
  return at_ == stage::answer || at_ == stage::rows || length_ <= short_packet_bytes_max;
}

bool mysql_filter::take_body(unsigned char* byte) {
  if (at_ == stage::greeting)
    hide_session_tracking(byte);
  ++seen_;
  if (at_ != stage::rows || seen_ <= 3)
    body_.push_back(static_cast<char>(*byte));
  // A report of progress: the library would go on to read.
  if (seen_ == 3 && body_ == "\xff\xff\xff")
    return false;
  return seen_ < length_ || end_packet();
}

bool mysql_filter::end_packet() {
  header_bytes_ = 0;
  auto first = at(body_, 0);
  if (first == error_mark)
    return true; // the library stops at it
  switch (at_) {
    case stage::greeting:
      at_ = stage::login;
      return is_fine_greeting();
    case stage::login:
      return ++login_packets_ <= login_packets_max;
    case stage::answer:
      // No wish for a file, no heaps of columns; 0 is all there is.
      at_ = first == 0 ? stage::rows : stage::columns;
      return first == 0 || (first <= columns_max && is_column_count(body_));
    case stage::columns:
      if (first == end_mark && length_ <= 8)
        at_ = stage::rows;
      return at_ == stage::rows || is_fine_column();
    case stage::rows:
      break;
  }
  return true;
}

void mysql_filter::hide_session_tracking(unsigned char* byte) const {
  auto version_end = body_.find('\0');
  if (version_end != body_.npos && seen_ == version_end + 1 + high_capabilities_at)
    *byte &= static_cast<unsigned char>(~session_tracking);
}

bool mysql_filter::is_fine_greeting() const {
  auto version_end = body_.find('\0');
  if (at(body_, 0) != protocol_version || version_end == body_.npos
      || body_.size() < version_end + 1 + fixed_bytes)
    return false;
  auto rest = version_end + 1;
  bool names_plugin = (at(body_, rest + high_capabilities_at) & plugin_names) != 0;
  return !names_plugin || at(body_, rest + challenge_length_at) == challenge_bytes;
}

/// Six texts, one more of MariaDB's, and twelve bytes; none of them may be NULL.
bool mysql_filter::is_fine_column() const {
  std::size_t parts = 0;
  std::size_t last_bytes = 0;
  std::size_t i = 0;
  for (; i < body_.size(); ++parts) {
    last_bytes = at(body_, i++);
    if (last_bytes == 0xFC && i + 2 <= body_.size()) {
      last_bytes = at(body_, i) + at(body_, i + 1) * std::size_t{256};
      i += 2;
    } else if (last_bytes > 250) {
      return false;
    }
    i += last_bytes;
  }
  return i == body_.size() && (parts == 7 || parts == 8) && last_bytes == 12;
}

} // namespace nacre
