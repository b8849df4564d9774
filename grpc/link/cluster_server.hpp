#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "config/options.hpp"
#include "grpc/link/accepted_link.hpp"

namespace nacre {

/// The listener for other nodes: main port + 1001, TLS if configured. Takes their frames once they
/// have proved that they are of this cluster. Started and stopped by the main thread.
class cluster_server {
public:
  /// @param self `host:port` of this node as the member list has it
  /// @throws std::runtime_error if the port can't be had or a TLS file can't be read
  cluster_server(const cluster_options& opts, std::string self, const std::string& address,
                 std::uint16_t port, knows_peer_function knows, receive_frame_function receive,
                 const link_limits& limits = {});
  ~cluster_server();

  /// Port in use; the one asked for unless that was 0.
  std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }

  /// Ends all links. No frame is received afterwards.
  void stop();

private:
  class request_service;
  class link_service;

  std::shared_ptr<link_acceptor> desk_;
  std::unique_ptr<request_service> requests_;
  std::unique_ptr<link_service> links_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

} // namespace nacre
