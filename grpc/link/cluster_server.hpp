#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/options.hpp"
#include "grpc/http2/grpc_port.hpp"
#include "grpc/link/accepted_link.hpp"

namespace nacre {

/// The port for other nodes: main port + 1001, TLS if configured. Takes their frames once they
/// have proved that they are of this cluster. Started and stopped by the main thread.
class cluster_server {
public:
  /// @param threads have to run until `stop` has returned
  /// @param self `host:port` of this node as the member list has it
  /// @throws std::runtime_error if the port can't be had or a TLS file can't be used
  cluster_server(io_threads& threads, const cluster_options& opts, std::string self,
                 const std::string& address, std::uint16_t port, knows_peer_function knows,
                 receive_frame_function receive, const link_limits& limits = {});
  ~cluster_server();

  /// Port in use; the one asked for unless that was 0.
  std::uint16_t port() const { return port_.port(); }

  /// Ends all links. No frame is received afterwards.
  void stop();

private:
  const std::shared_ptr<link_acceptor> desk_;
  port_counters counters_;
  grpc_port port_;
};

} // namespace nacre
