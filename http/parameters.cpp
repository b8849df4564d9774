#include "http/parameters.hpp"

#include "protocol/text.hpp"

namespace nacre {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// The value of `name="…"` in a Content-Disposition header, nothing if there is none.
std::optional<std::string_view> quoted_attribute(std::string_view header, std::string_view name) {
  auto mark = std::string(" ").append(name).append("=\"");
  auto at = header.find(mark);
  if (at == std::string_view::npos)
    return std::nullopt;
  header.remove_prefix(at + mark.size());
  auto end = header.find('"');
  return end == std::string_view::npos ? std::nullopt : std::optional(header.substr(0, end));
}

} // namespace

bool parameters::decode(std::string_view text, std::uint32_t& begin, std::uint32_t& size) {
  begin = static_cast<std::uint32_t>(storage_.size());
  bool ascii = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      if (text.size() - i < 3)
        return false;
      auto high = hex_digit(text[i + 1]);
      auto low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0)
        return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    ascii = ascii && (static_cast<unsigned char>(c) & 0x80u) == 0;
    storage_.push_back(c);
  }
  if (!ascii) {
    auto value = storage_.substr(begin);
    make_valid_utf8(value);
    storage_.replace(begin, std::string::npos, value);
  }
  size = static_cast<std::uint32_t>(storage_.size()) - begin;
  return true;
}

bool parameters::add_urlencoded(std::string_view text) {
  storage_.reserve(storage_.size() + text.size());
  while (!text.empty()) {
    auto end = text.find('&');
    auto pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty())
      continue;
    auto eq = pair.find('=');
    entry x{};
    if (entries_.size() == count_max || !decode(pair.substr(0, eq), x.key_begin, x.key_size)
        || !decode(eq == std::string_view::npos ? "" : pair.substr(eq + 1), x.value_begin,
                   x.value_size))
      return false;
    entries_.push_back(x);
  }
  return true;
}

bool parameters::add(std::string_view key, std::string_view value) {
  if (entries_.size() == count_max)
    return false;
  auto put = [this](std::string_view text, std::uint32_t& begin, std::uint32_t& size) {
    std::string clean(text);
    make_valid_utf8(clean);
    begin = static_cast<std::uint32_t>(storage_.size());
    size = static_cast<std::uint32_t>(clean.size());
    storage_ += clean;
  };
  entry x{};
  put(key, x.key_begin, x.key_size);
  put(value, x.value_begin, x.value_size);
  entries_.push_back(x);
  return true;
}

bool parameters::add_multipart(std::string_view body, std::string_view boundary) {
  if (boundary.empty() || boundary.size() > 70)
    return false;
  auto mark = std::string("--").append(boundary);
  auto at = body.find(mark);
  while (at != std::string_view::npos) {
    body.remove_prefix(at + mark.size());
    if (body.starts_with("--"))
      return true;
    auto next = body.find(mark);
    auto head_end = body.find("\r\n\r\n");
    if (next == std::string_view::npos || head_end == std::string_view::npos || head_end + 6 > next)
      return false;
    auto head = body.substr(0, head_end);
    auto value = body.substr(head_end + 4, next - 2 - (head_end + 4));
    auto name = quoted_attribute(head, "name");
    if (name && !quoted_attribute(head, "filename") && !add(*name, value))
      return false;
    at = next;
  }
  return false; // the closing mark is missing
}

std::optional<std::string_view> parameters::find(std::string_view key) const {
  for (auto& x : entries_)
    if (key_of(x) == key)
      return value_of(x);
  return std::nullopt;
}

std::optional<std::string> parameters::joined(std::string_view key) const {
  std::optional<std::string> result;
  for (auto& x : entries_) {
    if (key_of(x) != key)
      continue;
    if (result)
      result->append(",").append(value_of(x));
    else
      result.emplace(value_of(x));
  }
  return result;
}

} // namespace nacre
