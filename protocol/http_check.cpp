#include "protocol/http_check.hpp"

#include <algorithm>
#include <array>

#include "protocol/text.hpp"

namespace nacre {

namespace {

constexpr std::size_t path_bytes_max = 1024;
constexpr std::size_t headers_max = 32;
constexpr std::size_t headers_bytes_max = 4096;

/// They frame the request or belong to the connection, so a check has no say in them.
constexpr std::array<std::string_view, 8> own_headers = {
  "Host",   "Connection", "Content-Length", "Transfer-Encoding", "Upgrade",
  "Expect", "TE",         "Trailer"};

bool is_visible(char c) { return c > 0x20 && c < 0x7F; }

/// RFC 7230 §3.2.6
bool is_token(std::string_view text) {
  constexpr std::string_view delimiters = "\"(),/:;<=>?@[\\]{}";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_visible(c) && delimiters.find(c) == delimiters.npos;
  });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_own_header(std::string_view name) {
  return starts_with_ignore_case(name, "Proxy-")
         || std::any_of(own_headers.begin(), own_headers.end(),
                        [&](auto own) { return equals_ignore_case(name, own); });
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

struct header {
  std::string_view name;
  std::string_view value;
};

/// `name:value`, cut at the first colon: values may have more of them.
header cut(std::string_view text) {
  auto colon = std::min(text.find(':'), text.size());
  auto value = text.substr(std::min(colon + 1, text.size()));
  return {trim_blanks(text.substr(0, colon)), trim_blanks(value)};
}

complaint illegal(std::string why) {
  return "Param 'healthChecker' is illegal, " + std::move(why) + ".";
}

complaint check_path(std::string_view path) {
  if (path.empty())
    return std::nullopt;
  if (path.size() > path_bytes_max)
    return illegal("its path should not exceed " + std::to_string(path_bytes_max) + " bytes");
  if (path.front() != '/')
    return illegal("its path should begin with '/'");
  if (!std::all_of(path.begin(), path.end(), is_visible))
    return illegal("its path should have visible ASCII characters only");
  return std::nullopt;
}

complaint check_header(std::string_view text, std::size_t number) {
  auto which = "its header " + std::to_string(number);
  if (text.find(':') == text.npos)
    return illegal(which + " has no ':'");
  auto [name, value] = cut(text);
  if (!is_token(name))
    return illegal("the name of " + which + " has illegal characters");
  if (is_own_header(name))
    return illegal("its header '" + std::string(name) + "' can't be set");
  if (has_control(value))
    return illegal("the value of its header '" + std::string(name) + "' has control characters");
  return std::nullopt;
}

constexpr std::string_view version_prefix = "HTTP/1.";
constexpr std::size_t status_line_bytes_min = version_prefix.size() + 5; // `1 200`

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether `bytes` may be the begin of `HTTP/1.1 200`.
bool begins_status_line(std::string_view bytes) {
  for (std::size_t i = 0; i < std::min(bytes.size(), status_line_bytes_min); ++i) {
    char c = bytes[i];
    bool fits = i < version_prefix.size()        ? c == version_prefix[i]
                : i == version_prefix.size()     ? c == '0' || c == '1'
                : i == version_prefix.size() + 1 ? c == ' '
                                                 : is_digit(c);
    if (!fits)
      return false;
  }
  return bytes.size() <= status_line_bytes_min
         || std::string_view(" \r\n").find(bytes[status_line_bytes_min]) != std::string_view::npos;
}

/// Where the empty line that ends a head ends; 0 if it has not come.
std::size_t end_of_head(std::string_view bytes) {
  for (auto line = bytes.find('\n'); line != bytes.npos; line = bytes.find('\n', line + 1)) {
    auto rest = bytes.substr(line + 1);
    if (rest.starts_with('\n'))
      return line + 2;
    if (rest.starts_with("\r\n"))
      return line + 3;
  }
  return 0;
}

} // namespace

complaint check_http_check(std::string_view path, std::string_view headers) {
  if (auto c = check_path(path))
    return c;
  if (headers.size() > headers_bytes_max)
    return illegal("its headers should not exceed " + std::to_string(headers_bytes_max) + " bytes");
  std::size_t number = 0;
  for (auto text : split(headers, '|')) {
    if (trim_blanks(text).empty())
      continue;
    if (++number > headers_max)
      return illegal("it should have no more than " + std::to_string(headers_max) + " headers");
    if (auto c = check_header(text, number))
      return c;
  }
  return std::nullopt;
}

std::string http_check_request(std::string_view path, std::string_view headers,
                               std::string_view host) {
  std::string request = "GET ";
  request.append(path.empty() ? "/" : path).append(" HTTP/1.1\r\nHost: ").append(host);
  request.append("\r\nConnection: close\r\n");
  bool has_agent = false;
  for (auto text : split(headers, '|')) {
    auto [name, value] = cut(text);
    if (name.empty())
      continue;
    has_agent = has_agent || equals_ignore_case(name, "User-Agent");
    request.append(name).append(": ").append(value).append("\r\n");
  }
  return request.append(has_agent ? "\r\n" : "User-Agent: VIPServer\r\n\r\n");
}

http_answer_head read_http_answer_head(std::string_view bytes) {
  for (;;) {
    if (!begins_status_line(bytes))
      return {http_answer_head::state::broken};
    auto end = end_of_head(bytes);
    if (end == 0)
      return {};
    auto digits = bytes.substr(status_line_bytes_min - 3, 3);
    int status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    if (status < 100)
      return {http_answer_head::state::broken};
    if (status >= 200 || status == 101)
      return {http_answer_head::state::whole, status};
    bytes.remove_prefix(end);
  }
}

} // namespace nacre
