#include "actors/health/target_policy.hpp"

#include "protocol/text.hpp"

namespace nacre {

namespace {

/// This host, link-local, multicast and broadcast addresses, and where clouds serve the metadata
/// of a machine, with its credentials.
constexpr std::string_view closed =
  "0.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 255.255.255.255, 100.100.100.200, 168.63.129.16,"
  " 192.0.0.192, ::, fe80::/10, ff00::/8, fd00:ec2::/32, fd20:ce::254";

/// From the main port on: HTTP, clients' gRPC, the cluster's.
constexpr std::uint16_t own_ports[] = {0, 1000, 1001};

bool is_port_of(std::uint16_t port, std::uint16_t main_port) {
  for (auto offset : own_ports)
    if (port == main_port + offset)
      return true;
  return false;
}

} // namespace

target_policy::target_policy(const options& opts, std::string own_ip)
  : allowed_(*network_list::parse(opts.health.allowed_networks)),
    denied_(*network_list::parse(opts.health.denied_networks)),
    never_useful_(*network_list::parse(closed)),
    loopback_(*network_list::parse("127.0.0.0/8, ::1")),
    is_alone_(opts.mode == node_mode::standalone),
    own_ip_(std::move(own_ip)),
    own_port_(opts.http.port) {}

bool target_policy::is_literal(std::string_view ip) { return parse_ip_address(ip).has_value(); }

complaint target_policy::refuses(std::string_view ip, std::uint16_t port,
                                 const std::vector<std::string>& nodes) const {
  auto address = parse_ip_address(ip);
  if (!address)
    return "its address is a name: only literal addresses are probed";
  if (allowed_.contains(*address))
    return std::nullopt;
  bool is_loopback = loopback_.contains(*address);
  if (never_useful_.contains(*address))
    return "its address is none that may be probed";
  if (is_loopback && !is_alone_)
    return "loopback is not probed in a cluster";
  if (denied_.contains(*address))
    return "its network is denied";
  if ((is_loopback || ip == own_ip_) && is_port_of(port, own_port_))
    return "it is a port of this node";
  for (auto& node : nodes) {
    auto known = split_host_port(node);
    if (known && parse_ip_address(known->host) == address && is_port_of(port, known->port))
      return "it is a port of this cluster";
  }
  return std::nullopt;
}

} // namespace nacre
