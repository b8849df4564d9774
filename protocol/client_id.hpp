#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>

#include "protocol/keyed_hash.hpp"
#include "protocol/short_text.hpp"

namespace nacre {

enum class client_kind : std::uint8_t {
  /// An ip:port that beats (or subscribes over UDP): `ip:port#true`.
  ephemeral,
  /// An ip:port whose instances stay until they are deregistered: `ip:port#false`.
  persistent,
  /// A gRPC connection of this node; its id stands in `ip`, the port is 0.
  connection,
  /// One of another node of the cluster.
  remote_connection,
};

inline bool is_connection(client_kind x) {
  return x == client_kind::connection || x == client_kind::remote_connection;
}

/// Identity of a client: whatever publishes and subscribes (Nacos `IpPortBasedClient.getClientId`,
/// `ConnectionBasedClient`).
struct client_id {
  short_text ip;
  std::uint16_t port = 0;
  client_kind kind = client_kind::ephemeral;

  /// The text other nodes, the operator API and the SDKs know it by.
  std::string to_string() const {
    return is_connection(kind)               ? ip.str()
           : kind == client_kind::persistent ? address() + "#false"
                                             : address() + "#true";
  }

  /// `ip:port`, also the tag that decides the responsible node.
  std::string address() const { return ip + ':' + std::to_string(port); }

  std::size_t hash() const {
    auto rest = static_cast<std::size_t>(port) << 2 | static_cast<std::size_t>(kind);
    auto x = keyed_hash(ip) + rest * 0x9E3779B97F4A7C15ull;
    return x ^ x >> 32; // the low bits choose the shard and have to tell ports apart
  }

  friend bool operator==(const client_id&, const client_id&) = default;
  friend auto operator<=>(const client_id&, const client_id&) = default;
};

struct client_id_hash {
  std::size_t operator()(const client_id& x) const { return x.hash(); }
};

} // namespace nacre
