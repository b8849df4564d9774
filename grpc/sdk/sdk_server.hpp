#pragma once

#include <cstdint>
#include <memory>

#include "grpc/sdk/rpc_call.hpp"

namespace nacre {

/// The listener for SDKs: main port + 1000, Nacos' two services, TLS if configured. Started and
/// stopped by the main thread.
class sdk_server {
public:
  /// @throws std::runtime_error if the port can't be had or a TLS file can't be used
  sdk_server(caf::actor_system& system, api_environment api, const std::string& address,
             std::uint16_t port);
  ~sdk_server();

  /// Port in use; the one asked for unless that was 0.
  std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }

  /// Ends all streams so that clients move at once, waits for calls under way at most `grace`.
  void stop(milliseconds grace);

private:
  class request_service;
  class unary_call;

  grpc_environment env_;
  std::unique_ptr<request_service> requests_;
  BiRequestStream::AsyncService streams_;
  std::vector<std::unique_ptr<call_queue>> queues_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

} // namespace nacre
