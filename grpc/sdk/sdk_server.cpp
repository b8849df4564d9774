#include <utility>

#include "grpc/sdk/sdk_server.hpp"

namespace nacre {

namespace {

/// Connections that may come besides those that can be set up, so that these are told why not.
std::size_t with_more(std::size_t n) { return n + n / 8 + 64; }

listen_options port_of(const connection_options& opts, const std::string& address,
                       std::uint16_t port) {
  return {address, port, connections_bound(with_more(opts.connections_max)),
          with_more(opts.connections_per_ip_max)};
}

http2_limits limits_of(const connection_options& opts) {
  http2_limits x;
  x.message_bytes_max = opts.message_bytes_max;
  x.keepalive_time = opts.keepalive_time;
  x.keepalive_timeout = opts.keepalive_timeout;
  return x;
}

grpc_environment& filled(grpc_environment& env, caf::actor_system& system, api_environment api) {
  take_over_protobuf_log();
  env.api = std::move(api);
  env.system = &system;
  return env;
}

const connection_options& options_of(const grpc_environment& env) {
  return env.api.context->options.connections;
}

} // namespace

sdk_server::sdk_server(io_threads& threads, caf::actor_system& system, api_environment api,
                       const std::string& address, std::uint16_t port)
  : requests_(filled(env_, system, std::move(api))),
    port_(threads, port_of(options_of(env_), address, port), limits_of(options_of(env_)),
          env_.api.context->counters.grpc_port, tls_files_of(options_of(env_)),
          [this](const http2_connection_ptr& connection) {
            return std::make_shared<client_channel>(requests_, connection);
          }) {
  port_.start();
}

sdk_server::~sdk_server() { stop(milliseconds(0)); }

} // namespace nacre
