#include "http/server/parameters.hpp"

#include "protocol/text.hpp"

namespace nacre {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  auto letter = c | 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool is_ascii(char c) { return (static_cast<unsigned char>(c) & 0x80u) == 0; }

/// The line of `head` that says what a part of a form is, without its name; empty if there is none.
std::string_view disposition(std::string_view head) {
  while (!head.empty()) {
    auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    constexpr std::string_view name = "content-disposition:";
    if (starts_with_ignore_case(line, name))
      return line.substr(name.size());
  }
  return {};
}

} // namespace

std::optional<std::string_view> header_attribute(std::string_view header, std::string_view name) {
  while (true) {
    auto end = header.find_first_of("=;");
    if (end == std::string_view::npos)
      return std::nullopt;
    auto key = trim(header.substr(0, end));
    bool has_value = header[end] == '=';
    header.remove_prefix(end + 1);
    if (!has_value)
      continue;
    header.remove_prefix(std::min(header.find_first_not_of(" \t"), header.size()));
    std::string_view value;
    if (header.starts_with('"')) {
      auto quote = header.find('"', 1);
      if (quote == std::string_view::npos)
        return std::nullopt;
      value = header.substr(1, quote - 1);
      header.remove_prefix(quote + 1);
    } else {
      value = trim(header.substr(0, header.find(';')));
    }
    if (equals_ignore_case(key, name))
      return value;
    header.remove_prefix(std::min(header.find(';'), header.size()));
  }
}

bool parameters::decode(std::string_view text, std::uint32_t& begin, std::uint32_t& size) {
  begin = static_cast<std::uint32_t>(storage_.size());
  storage_.append(text); // and decoded there, since that makes nothing longer
  char* out = storage_.data() + begin;
  const char* end = out + text.size();
  char all_bits = 0;
  for (const char* in = out; in != end;) {
    char c = *in++;
    if (c == '%') {
      if (end - in < 2)
        return false;
      auto high = hex_digit(in[0]);
      auto low = hex_digit(in[1]);
      if (high < 0 || low < 0)
        return false;
      c = static_cast<char>(high * 16 + low);
      in += 2;
    } else if (c == '+') {
      c = ' ';
    }
    all_bits = static_cast<char>(all_bits | c);
    *out++ = c;
  }
  storage_.resize(static_cast<std::size_t>(out - storage_.data()));
  if (!is_ascii(all_bits)) {
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
    auto about = disposition(head);
    auto name = header_attribute(about, "name");
    if (name && !header_attribute(about, "filename") && !header_attribute(about, "filename*")
        && !add(*name, value))
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
