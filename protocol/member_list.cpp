#include "protocol/member_list.hpp"

#include <algorithm>
#include <optional>

#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Longest entry that is looked at; a host name has at most 253 characters.
constexpr std::size_t entry_bytes_max = 512;

bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
}

bool is_ipv6(std::string_view text) {
  return text.find(':') != text.npos && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isxdigit(c) != 0 || c == ':' || c == '.' || c == '%';
         });
}

std::optional<std::string> address_of(std::string_view entry, std::uint16_t default_port) {
  entry = entry.substr(0, entry.find('?')); // parameters of 1.x lists mean nothing here
  std::string_view host = entry;
  std::string_view port;
  if (auto end = entry.find(']'); entry.starts_with('[') && end != entry.npos) {
    host = entry.substr(0, end + 1);
    port = entry.substr(end + 1);
    if (!is_ipv6(host.substr(1, host.size() - 2)) || (!port.empty() && port[0] != ':'))
      return std::nullopt;
    port.remove_prefix(port.empty() ? 0 : 1);
  } else {
    if (auto colon = entry.rfind(':'); colon != entry.npos) {
      host = entry.substr(0, colon);
      port = entry.substr(colon + 1);
      if (port.empty())
        return std::nullopt;
    }
    if (!is_host(host))
      return std::nullopt;
  }
  auto number = port.empty() ? std::optional<std::int32_t>(default_port) : parse_int32(port);
  if (!number || *number < 1 || *number > 65535)
    return std::nullopt;
  return std::string(host) + ':' + std::to_string(*number);
}

} // namespace

member_list parse_member_list(std::string_view text, std::uint16_t default_port) {
  member_list list;
  for (auto line : split(text, '\n')) {
    line = line.substr(0, line.find('#'));
    for (auto entry : split(line, ',')) {
      entry = trim(entry);
      if (entry.empty())
        continue; // also a line of blanks: the reference drops the whole file for one
      auto address =
        entry.size() > entry_bytes_max ? std::nullopt : address_of(entry, default_port);
      if (address)
        list.addresses.push_back(std::move(*address));
      else
        list.unreadable.push_back(shortened(entry, 64));
    }
  }
  std::sort(list.addresses.begin(), list.addresses.end());
  list.addresses.erase(std::unique(list.addresses.begin(), list.addresses.end()),
                       list.addresses.end());
  return list;
}

} // namespace nacre
