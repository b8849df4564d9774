#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/network_list.hpp"
#include "config/options.hpp"
#include "protocol/naming_rules.hpp"

namespace nacre {

/// Which targets may be probed, so that nobody makes a node ask what he can't ask himself. Pure.
class target_policy {
public:
  target_policy(const options& opts, std::string own_ip);

  /// Whether it is an address as it is, no name.
  static bool is_literal(std::string_view ip);

  /// @param nodes this cluster's own nodes, `host:port`; their ports are closed
  /// @returns why the target is not probed
  complaint refuses(std::string_view ip, std::uint16_t port,
                    const std::vector<std::string>& nodes) const;

private:
  network_list allowed_;
  network_list denied_;
  network_list never_useful_;
  network_list loopback_;
  bool is_alone_;
  std::string own_ip_;
  std::uint16_t own_port_;
};

} // namespace nacre
