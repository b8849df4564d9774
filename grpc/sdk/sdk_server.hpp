#pragma once

#include <cstdint>

#include "grpc/http2/grpc_port.hpp"
#include "grpc/sdk/request_service.hpp"

namespace nacre {

/// The port for SDKs: main port + 1000, Nacos' two services, TLS if configured. Started and stopped
/// by the main thread.
class sdk_server {
public:
  /// @param threads have to run until `stop` has returned
  /// @throws std::runtime_error if the port can't be had or a TLS file can't be used
  sdk_server(io_threads& threads, caf::actor_system& system, api_environment api,
             const std::string& address, std::uint16_t port);
  ~sdk_server();

  /// Port in use; the one asked for unless that was 0.
  std::uint16_t port() const { return port_.port(); }

  /// Ends all streams so that clients move at once, waits for calls under way at most `grace`.
  void stop(milliseconds grace) { port_.stop(grace); }

private:
  grpc_environment env_;
  request_service requests_;
  grpc_port port_;
};

} // namespace nacre
