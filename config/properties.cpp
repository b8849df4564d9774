#include "config/properties.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace nacre {

namespace {

constexpr std::string_view blanks = " \t\f";

std::string_view without_leading_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(blanks), text.size()));
}

/// Cuts the first line off `text`; lines end with LF, CR or CR LF.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find_first_of("\r\n"), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(end);
  text.remove_prefix(text.starts_with("\r\n") ? 2 : text.empty() ? 0 : 1);
  return line;
}

bool ends_with_open_backslash(std::string_view line) {
  const auto last_other = line.find_last_not_of('\\');
  const auto backslashes = last_other == line.npos ? line.size() : line.size() - last_other - 1;
  return backslashes % 2 == 1;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Replaces the escapes of one key or value.
class unescaper {
public:
  unescaper(std::string_view text, std::size_t line) : rest_(text), line_(line) {}

  std::string run() {
    std::string out;
    while (!rest_.empty()) {
      const char c = take();
      if (c != '\\' || rest_.empty())
        out += c;
      else
        append_escape(out, take());
    }
    return out;
  }

private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void append_escape(std::string& out, char c) {
    switch (c) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u':
        append_utf8(out, take_code_point());
        break;
      default:
        out += c; // the backslash before any other character means nothing
    }
  }

  std::uint32_t take_code_unit() {
    std::uint32_t unit = 0;
    const auto digits = rest_.substr(0, 4);
    const auto end = digits.data() + digits.size();
    if (digits.size() < 4 || std::from_chars(digits.data(), end, unit, 16).ptr != end)
      throw properties_error(line_, "malformed \\u escape, wanted \\u and four hexadecimal digits");
    rest_.remove_prefix(4);
    return unit;
  }

  std::uint32_t take_code_point() {
    const auto high = take_code_unit();
    if (high < 0xD800 || high > 0xDFFF)
      return high;
    if (high < 0xDC00 && rest_.starts_with("\\u")) {
      rest_.remove_prefix(2);
      if (const auto low = take_code_unit(); low >= 0xDC00 && low <= 0xDFFF)
        return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    throw properties_error(line_, "half of a surrogate pair in a \\u escape, wanted both halves");
  }

  std::string_view rest_;
  std::size_t line_;
};

property parse_entry(std::string_view entry, std::size_t line) {
  std::size_t end = 0; // of the key
  for (; end < entry.size() && std::string_view("=: \t\f").find(entry[end]) == entry.npos; ++end)
    if (entry[end] == '\\' && end + 1 < entry.size())
      ++end;
  auto value = without_leading_blanks(entry.substr(end));
  if (value.starts_with('=') || value.starts_with(':'))
    value = without_leading_blanks(value.substr(1));
  return {unescaper(entry.substr(0, end), line).run(), unescaper(value, line).run(), line};
}

} // namespace

std::vector<property> parse_properties(std::string_view text) {
  if (text.size() > properties_bytes_max)
    throw properties_error(0, "longer than " + std::to_string(properties_bytes_max) + " bytes");
  if (text.starts_with("\xEF\xBB\xBF")) // byte order mark of some editors
    text.remove_prefix(3);
  std::vector<property> result;
  std::string entry; // one entry, its continuation lines joined
  std::size_t entry_line = 0;
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = without_leading_blanks(take_line(text));
    if (entry.empty()) {
      if (line.empty() || line.starts_with('#') || line.starts_with('!'))
        continue;
      entry_line = number;
    }
    const bool continues = ends_with_open_backslash(line);
    if (continues)
      line.remove_suffix(1);
    entry += line;
    if ((continues && !text.empty()) || entry.empty())
      continue;
    result.push_back(parse_entry(entry, entry_line));
    entry.clear();
  }
  return result;
}

} // namespace nacre
