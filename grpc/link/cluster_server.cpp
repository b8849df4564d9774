#include "grpc/link/cluster_server.hpp"

#include "grpc/payload.hpp"
#include "grpc/services.grpc.pb.h"
#include "grpc/transport.hpp"

namespace nacre {

namespace {

/// Streams of one TCP connection at one time; a node has one.
constexpr int streams_max = 8;

/// TCP connections without a stream are closed after this time.
constexpr int idle_connection_ms = 30'000;

/// What a node that is gone had under way is cancelled after this time.
constexpr std::chrono::milliseconds stop_grace{500};

} // namespace

/// Nodes have no requests yet.
class cluster_server::request_service final : public Request::CallbackService {
public:
  grpc::ServerUnaryReactor* request(grpc::CallbackServerContext* call, const wire::Payload*,
                                    wire::Payload* out) override {
    auto* reactor = call->DefaultReactor();
    auto answer = error_response(500, rpc_error::no_handler, "RequestHandler Not Found");
    fill_payload(*out, answer.type, std::move(answer.body));
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

class cluster_server::link_service final : public BiRequestStream::CallbackService {
public:
  explicit link_service(std::shared_ptr<link_acceptor> desk) : desk_(std::move(desk)) {}

  grpc::ServerBidiReactor<wire::Payload, wire::Payload>*
  requestBiStream(grpc::CallbackServerContext* call) override {
    return accepted_link::open(desk_, *call);
  }

private:
  const std::shared_ptr<link_acceptor> desk_;
};

cluster_server::cluster_server(const cluster_options& opts, std::string self,
                               const std::string& address, std::uint16_t port,
                               knows_peer_function knows, receive_frame_function receive,
                               const link_limits& limits)
  : port_(port) {
  prepare_grpc();
  desk_ =
    std::make_shared<link_acceptor>(cluster_identity{opts.identity_key, opts.identity_value},
                                    std::move(self), std::move(knows), std::move(receive), limits);
  requests_ = std::make_unique<request_service>();
  links_ = std::make_unique<link_service>(desk_);
  auto ms = [](milliseconds x) { return static_cast<int>(x.count()); };
  grpc::ServerBuilder builder;
  builder.RegisterService(requests_.get());
  builder.RegisterService(links_.get());
  builder.SetMaxReceiveMessageSize(link_message_bytes_max);
  // Both ends ask for signs of life: a machine that lost its power closes no connection.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, ms(limits.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(limits.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, streams_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, idle_connection_ms);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, ms(limits.handshake_patience));
  server_ = start_server(builder, address, tls_files_of(opts), port_);
}

cluster_server::~cluster_server() { stop(); }

void cluster_server::stop() {
  if (!server_)
    return;
  desk_->stop();
  server_->Shutdown(std::chrono::system_clock::now() + stop_grace);
  server_->Wait();
  server_.reset();
}

} // namespace nacre
