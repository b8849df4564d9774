#include "http/server/parameters.hpp"

#include <array>

#include "protocol/text.hpp"

namespace nacre {

namespace {

/// -1 for what is none.
constexpr auto hex_digits = [] {
  std::array<signed char, 256> result{};
  result.fill(-1);
  for (unsigned char i = 0; i < 16; ++i)
    for (auto digits : {"0123456789abcdef", "0123456789ABCDEF"})
      result[static_cast<unsigned char>(digits[i])] = static_cast<signed char>(i);
  return result;
}();

/// Characters of a form that do not stand for themselves.
constexpr auto form_marks = [] {
  std::array<bool, 256> result{};
  for (unsigned char c : {'%', '+', '&', '='})
    result[c] = true;
  return result;
}();

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

/// Decodes a form in place, which makes nothing longer.
struct parameters::form_decoder {
  const char* in;
  const char* end;
  char* out;
  /// Of all that was decoded.
  char all_bits = 0;

  /// Stops before `&`, and before `=` if that ends a text too. @returns false for a broken escape
  bool decode(bool equals_ends) {
    auto from = in; // in locals: a char that is written might be a part of this object
    auto to = out;
    auto bits = all_bits;
    for (; from != end; ++from) {
      char c = *from;
      if (form_marks[static_cast<unsigned char>(c)]) {
        if (c == '&' || (c == '=' && equals_ends))
          break;
        if (c == '+')
          c = ' ';
        if (c == '%') {
          if (end - from < 3)
            return false;
          auto high = hex_digits[static_cast<unsigned char>(from[1])];
          auto low = hex_digits[static_cast<unsigned char>(from[2])];
          if (high < 0 || low < 0)
            return false;
          c = static_cast<char>(high * 16 + low);
          from += 2;
        }
      }
      bits = static_cast<char>(bits | c);
      *to++ = c;
    }
    in = from;
    out = to;
    all_bits = bits;
    return true;
  }
};

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

bool parameters::add_urlencoded(std::string_view text) {
  auto known = entries_.size();
  auto begin = storage_.size();
  storage_.append(text);
  auto* at = storage_.data() + begin;
  form_decoder form{at, at + text.size(), at};
  if (!read(form)) {
    entries_.resize(known);
    storage_.resize(begin);
    return false;
  }
  storage_.resize(static_cast<std::size_t>(form.out - storage_.data()));
  if (!is_ascii(form.all_bits))
    for (auto i = known; i < entries_.size(); ++i) {
      auto& x = entries_[i];
      make_valid(x.key_begin, x.key_size);
      make_valid(x.value_begin, x.value_size);
    }
  return true;
}

bool parameters::read(form_decoder& form) {
  auto place = [&] { return static_cast<std::uint32_t>(form.out - storage_.data()); };
  while (form.in != form.end) {
    if (*form.in == '&') {
      ++form.in;
      continue;
    }
    entry x{};
    x.key_begin = place();
    if (entries_.size() == count_max || !form.decode(true))
      return false;
    x.key_size = place() - x.key_begin;
    if (form.in != form.end && *form.in == '=')
      ++form.in;
    x.value_begin = place();
    if (!form.decode(false))
      return false;
    x.value_size = place() - x.value_begin;
    entries_.push_back(x);
  }
  return true;
}

void parameters::make_valid(std::uint32_t& begin, std::uint32_t& size) {
  auto text = storage_.substr(begin, size);
  make_valid_utf8(text);
  if (storage_.compare(begin, size, text) == 0)
    return;
  begin = static_cast<std::uint32_t>(storage_.size());
  size = static_cast<std::uint32_t>(text.size());
  storage_ += text;
}

bool parameters::add(std::string_view key, std::string_view value) {
  if (entries_.size() == count_max)
    return false;
  auto put = [this](std::string_view text, std::uint32_t& begin, std::uint32_t& size) {
    begin = static_cast<std::uint32_t>(storage_.size());
    size = static_cast<std::uint32_t>(text.size());
    storage_ += text;
    make_valid(begin, size);
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
    if (has_key(x, key))
      return value_of(x);
  return std::nullopt;
}

std::optional<std::string> parameters::joined(std::string_view key) const {
  std::optional<std::string> result;
  for (auto& x : entries_) {
    if (!has_key(x, key))
      continue;
    if (result)
      result->append(",").append(value_of(x));
    else
      result.emplace(value_of(x));
  }
  return result;
}

} // namespace nacre
