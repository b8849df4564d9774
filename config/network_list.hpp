#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace nacre {

/// An address of IPv6, or of IPv4 as the one that stands for it (RFC 4291 §2.5.5.2).
using ip_address = std::array<std::uint8_t, 16>;

/// Nothing if `text` is no literal address.
std::optional<ip_address> parse_ip_address(std::string_view text);

/// Some networks, as operators write them: `10.0.0.0/8, fd00::/8`; an address alone is a network of
/// one. A value type, any thread.
class network_list {
public:
  /// Nothing if a part of it is no network.
  static std::optional<network_list> parse(std::string_view text);

  bool contains(const ip_address& x) const;

private:
  struct network {
    ip_address base{};
    unsigned bits = 128;
  };

  static std::optional<network> parse_network(std::string_view text);

  std::vector<network> networks_;
};

} // namespace nacre
