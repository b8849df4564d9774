#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace nacre {

/// The first IPv4 address of an interface that is up and not loopback, lowest index first;
/// 127.0.0.1 if there is none (Nacos `InetUtils`).
std::string first_own_ip();

/// Which host has which address; a test brings answers of its own.
struct host_addresses {
  /// Addresses of a host name, or of an address in any spelling (IPv6 without brackets), each in
  /// its one numeric spelling. Empty: nobody knows the host. May wait for a name server.
  std::function<std::vector<std::string>(const std::string& host)> of;
  /// Those of this machine's interfaces, loopback included.
  std::vector<std::string> own;
};

host_addresses system_addresses();

/// The entry of the members (`host:port`) that is this node: `server_ip:port` as the list spells
/// it if `server_ip` is set, else the one with this port whose host is this machine. Members know
/// each other by these texts, so each node has to find itself under exactly one of them; throws
/// `config_error`, with the remedy, where it is under none or under several. To be called at
/// start: it looks host names up.
std::string own_member(const std::vector<std::string>& members, const std::string& server_ip,
                       std::uint16_t port, const host_addresses& addresses = system_addresses());

} // namespace nacre
