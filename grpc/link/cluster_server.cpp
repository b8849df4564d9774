#include <utility>

#include "grpc/link/cluster_server.hpp"

#include "grpc/link/link_channel.hpp"

namespace nacre {

namespace {

/// Links have bounds of their own; this is for those who connect and open none.
constexpr std::size_t connections_max = 1'024;
constexpr std::size_t connections_per_address_max = 256;

/// What a node that is gone had under way is cancelled after this time.
constexpr milliseconds stop_grace{500};

http2_limits port_limits(const link_limits& limits) {
  http2_limits x;
  x.streams_max = 8; // of one TCP connection at one time; a node has one
  x.message_bytes_max = link_message_bytes_max;
  x.stranger_partial_bytes_max = x.partial_bytes_max = 2 * link_message_bytes_max;
  x.handshake_patience = limits.handshake_patience;
  x.stranger_idle = milliseconds(30'000);
  x.keepalive_time = limits.keepalive_time;
  x.keepalive_timeout = limits.keepalive_timeout;
  return x;
}

} // namespace

cluster_server::cluster_server(io_threads& threads, const cluster_options& opts, std::string self,
                               const std::string& address, std::uint16_t port,
                               knows_peer_function knows, receive_frame_function receive,
                               const link_limits& limits)
  : desk_(std::make_shared<link_acceptor>(cluster_identity{opts.identity_key, opts.identity_value},
                                          std::move(self), std::move(knows), std::move(receive),
                                          limits)),
    port_(threads, {address, port, connections_bound(connections_max), connections_per_address_max},
          port_limits(limits), counters_, tls_files_of(opts),
          [this](const http2_connection_ptr& connection) {
            return std::make_shared<link_channel>(desk_, connection);
          }) {
  take_over_protobuf_log();
  port_.start();
}

cluster_server::~cluster_server() { stop(); }

void cluster_server::stop() {
  desk_->stop();
  port_.stop(stop_grace);
}

} // namespace nacre
