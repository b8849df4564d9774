#include "config/network_list.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include <arpa/inet.h>

namespace nacre {

namespace {

constexpr std::size_t v4_offset = 12;
constexpr unsigned v4_bits = 8 * v4_offset;

} // namespace

std::optional<ip_address> parse_ip_address(std::string_view text) {
  std::string copy(text);
  ip_address x{};
  if (inet_pton(AF_INET6, copy.c_str(), x.data()) == 1)
    return x;
  x = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, copy.c_str(), x.data() + v4_offset) == 1)
    return x;
  return std::nullopt;
}

std::optional<network_list::network> network_list::parse_network(std::string_view text) {
  auto slash = text.find('/');
  auto base = parse_ip_address(text.substr(0, slash));
  if (!base)
    return std::nullopt;
  network x{*base};
  if (slash == text.npos)
    return x;
  bool is_v4 = text.find(':') == text.npos;
  auto number = text.substr(slash + 1);
  unsigned bits = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
  if (error != std::errc() || end != number.data() + number.size() || bits > (is_v4 ? 32u : 128u))
    return std::nullopt;
  x.bits = bits + (is_v4 ? v4_bits : 0);
  return x;
}

std::optional<network_list> network_list::parse(std::string_view text) {
  network_list all;
  while (!text.empty()) {
    auto one = text.substr(0, text.find_first_of(", "));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    if (one.empty())
      continue;
    auto x = parse_network(one);
    if (!x)
      return std::nullopt;
    all.networks_.push_back(*x);
  }
  return all;
}

bool network_list::contains(const ip_address& x) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const network& n) {
    auto whole = n.bits / 8;
    if (std::memcmp(n.base.data(), x.data(), whole) != 0)
      return false;
    auto mask = static_cast<std::uint8_t>(0xff00 >> n.bits % 8);
    return n.bits % 8 == 0 || ((n.base[whole] ^ x[whole]) & mask) == 0;
  });
}

} // namespace nacre
