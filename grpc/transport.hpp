#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <grpcpp/grpcpp.h>

#include "grpc/tls_credentials.hpp"

/// What every port and every channel of ours needs of grpc++.
namespace nacre {

/// Sets up, once per process, what the libraries below grpc++ share: their logs become ours.
void prepare_grpc();

/// Builds and starts a server on `address`, which has to have all to itself.
/// @param port in use; the one asked for unless that was 0
/// @throws std::runtime_error if the port can't be had
std::unique_ptr<grpc::Server> start_server(grpc::ServerBuilder& builder, const std::string& address,
                                           const tls_files& files, int& port);

/// The address behind grpc++'s text of a peer: `ipv4:1.2.3.4:5`, `ipv6:[::1]:5`, percent-encoded
/// brackets as well; IPv4 mapped into IPv6 reads as IPv4.
struct peer_address {
  std::string ip;
  std::string port;
};
peer_address parse_peer(std::string_view text);

} // namespace nacre
