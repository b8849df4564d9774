#include "grpc/http2/header_text.hpp"

#include <charconv>

#include "protocol/text.hpp"

namespace nacre {

namespace {

/// The value of a hexadecimal digit, -1 if it is none.
int digit_of(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

} // namespace

std::string percent_encoded(std::string_view text) {
  // Other ends take 8 KiB of headers or less, and an escape has three bytes.
  constexpr std::size_t told_max = 1'024;
  auto told = shortened(text, told_max);
  std::string result;
  result.reserve(told.size());
  for (char c : told) {
    if (c >= ' ' && c <= '~' && c != '%') {
      result += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += "0123456789ABCDEF"[byte >> 4];
    result += "0123456789ABCDEF"[byte & 15];
  }
  return result;
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
    int low = high >= 0 ? digit_of(text[i + 2]) : -1;
    if (low < 0) {
      result += text[i];
      continue;
    }
    result += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return result;
}

std::optional<milliseconds> parse_timeout(std::string_view text) {
  constexpr std::size_t digits_max = 8;
  if (text.size() < 2 || text.size() > digits_max + 1)
    return std::nullopt;
  std::int64_t n = 0;
  auto* end = text.data() + text.size() - 1;
  auto [rest, failed] = std::from_chars(text.data(), end, n);
  if (failed != std::errc() || rest != end || n < 0)
    return std::nullopt;
  switch (text.back()) {
    case 'H':
      return milliseconds(n * 3'600'000);
    case 'M':
      return milliseconds(n * 60'000);
    case 'S':
      return milliseconds(n * 1'000);
    case 'm':
      return milliseconds(n);
    case 'u':
      return milliseconds((n + 999) / 1'000);
    case 'n':
      return milliseconds((n + 999'999) / 1'000'000);
    default:
      return std::nullopt;
  }
}

status_code parse_status(std::string_view text) {
  unsigned n = 0;
  auto* end = text.data() + text.size();
  auto [rest, failed] = std::from_chars(text.data(), end, n);
  bool known = failed == std::errc() && rest == end
               && n <= static_cast<unsigned>(status_code::unauthenticated);
  return known ? static_cast<status_code>(n) : status_code::unknown;
}

bool is_grpc_content(std::string_view type) {
  constexpr std::string_view grpc = "application/grpc";
  return type.starts_with(grpc)
         && (type.size() == grpc.size() || type[grpc.size()] == '+' || type[grpc.size()] == ';');
}

bool names_encoding(std::string_view list, std::string_view encoding) {
  while (!list.empty()) {
    auto comma = std::min(list.find(','), list.size());
    if (trim(list.substr(0, comma)) == encoding)
      return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

} // namespace nacre
