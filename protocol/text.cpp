#include "protocol/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>

namespace nacre {

namespace {

// Java's Character.isWhitespace for ASCII; wider blanks don't occur in names we accept.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-'))
      return std::nullopt; // one sign only
  }
  Number value{};
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// Length of the UTF-8 sequence at `i`, 0 if there is none that is valid (RFC 3629).
std::size_t utf8_sequence(std::string_view s, std::size_t i) {
  auto byte = [&](std::size_t k) { return k < s.size() ? static_cast<unsigned char>(s[k]) : 0u; };
  auto tail = [&](std::size_t k) { return (byte(k) & 0xC0u) == 0x80u; };
  auto b = byte(i);
  if (b < 0x80)
    return 1;
  if (b >= 0xC2 && b <= 0xDF)
    return tail(i + 1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    auto c = byte(i + 1);
    if (!tail(i + 1) || !tail(i + 2) || (b == 0xE0 && c < 0xA0) || (b == 0xED && c > 0x9F))
      return 0;
    return 3;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    auto c = byte(i + 1);
    if (!tail(i + 1) || !tail(i + 2) || !tail(i + 3) || (b == 0xF0 && c < 0x90)
        || (b == 0xF4 && c > 0x8F))
      return 0;
    return 4;
  }
  return 0;
}

} // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

bool equals_ignore_case(std::string_view a, std::string_view b) {
  return a == b || std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
           return lower(x) == lower(y);
         });
}

bool starts_with_ignore_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_ignore_case(text.substr(0, prefix.size()), prefix);
}

bool is_blank(std::string_view text) { return std::all_of(text.begin(), text.end(), is_space); }

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (text.empty())
    return parts;
  for (;;) {
    auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<host_port> split_host_port(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == text.npos)
    return std::nullopt;
  auto port = parse_int32(text.substr(colon + 1));
  if (!port || *port < 0 || *port > std::numeric_limits<std::uint16_t>::max())
    return std::nullopt;
  return host_port{text.substr(0, colon), static_cast<std::uint16_t>(*port)};
}

std::optional<std::int32_t> parse_int32(std::string_view text) {
  return parse_whole<std::int32_t>(text);
}

std::optional<std::int64_t> parse_int64(std::string_view text) {
  return parse_whole<std::int64_t>(text);
}

std::optional<double> parse_double(std::string_view text) {
  text = trim(text);
  bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+'))
    text.remove_prefix(1);
  double value = 0;
  if (text == "NaN") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity") {
    value = std::numeric_limits<double>::infinity();
  } else {
    if (!text.empty() && (lower(text.back()) == 'd' || lower(text.back()) == 'f'))
      text.remove_suffix(1); // Java's type suffix
    if (text.empty() || !(text.front() == '.' || (text.front() >= '0' && text.front() <= '9')))
      return std::nullopt;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size() || ec == std::errc::invalid_argument)
      return std::nullopt;
    if (ec == std::errc::result_out_of_range)
      value = std::strtod(std::string(text).c_str(), nullptr); // rounds to 0 or infinity as Java
  }
  return negative ? -value : value;
}

bool parse_lenient_bool(std::string_view text) {
  for (auto word : {"true", "on", "yes", "t", "y"})
    if (equals_ignore_case(text, word))
      return true;
  return false;
}

std::optional<bool> parse_strict_bool(std::string_view text) {
  text = trim(text);
  for (auto word : {"true", "on", "yes", "1"})
    if (equals_ignore_case(text, word))
      return true;
  for (auto word : {"false", "off", "no", "0"})
    if (equals_ignore_case(text, word))
      return false;
  return std::nullopt;
}

std::size_t utf16_length(std::string_view text) {
  std::size_t n = 0;
  for (unsigned char c : text)
    n += (c & 0xC0u) == 0x80u ? 0 : (c >= 0xF0u ? 2 : 1);
  return n;
}

void make_valid_utf8(std::string& text) {
  std::size_t i = 0;
  while (i < text.size()) {
    auto n = utf8_sequence(text, i);
    if (n == 0)
      break;
    i += n;
  }
  if (i == text.size())
    return; // nearly always
  std::string clean = text.substr(0, i);
  while (i < text.size()) {
    if (auto n = utf8_sequence(text, i); n != 0) {
      clean.append(text, i, n);
      i += n;
    } else {
      clean += "\xEF\xBF\xBD";
      ++i;
    }
  }
  text = std::move(clean);
}

std::string shortened(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return std::string(text);
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u)
    --end;
  return std::string(text.substr(0, end)) + "…";
}

std::int32_t java_hash(std::string_view text) {
  std::uint32_t h = 0;
  auto add = [&h](std::uint32_t unit) { h = 31 * h + unit; };
  for (std::size_t i = 0; i < text.size();) {
    auto n = utf8_sequence(text, i);
    auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[i + k]); };
    if (n == 4) {
      std::uint32_t code =
        ((byte(0) & 7u) << 18) | ((byte(1) & 63u) << 12) | ((byte(2) & 63u) << 6) | (byte(3) & 63u);
      code -= 0x10000;
      add(0xD800 + (code >> 10));
      add(0xDC00 + (code & 0x3FF));
    } else if (n == 3) {
      add(((byte(0) & 15u) << 12) | ((byte(1) & 63u) << 6) | (byte(2) & 63u));
    } else if (n == 2) {
      add(((byte(0) & 31u) << 6) | (byte(1) & 63u));
    } else {
      add(byte(0));
    }
    i += std::max<std::size_t>(n, 1);
  }
  return static_cast<std::int32_t>(h);
}

} // namespace nacre
