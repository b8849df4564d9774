#include "grpc/sdk/sdk_server.hpp"

#include <set>

#include <grpcpp/alarm.h>
#include <spdlog/spdlog.h>

#include "config/usable_cores.hpp"
#include "grpc/transport.hpp"
#include "protocol/naming_request.hpp"
#include "protocol/naming_response.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Requests between nodes; they have a port of their own (Nacos `RequestFilters`, 2.4.3).
const std::set<std::string_view> cluster_only{"ServerLoaderInfoRequest", "ServerReloadRequest",
                                              "DistroDataRequest", "MemberReportRequest",
                                              "ConfigChangeClusterSyncRequest"};

/// Requests that may wait for their connection's setup at one time, and how large each may be.
constexpr int held_max = 10'000;
constexpr std::size_t held_bytes_max = 16 * 1024;

/// Calls of one connection under way at one time.
constexpr int calls_max = 1'000;

/// Shorter answers are not counted among those under way.
constexpr std::size_t long_answer_bytes = 16 * 1024;

/// Half of the cores, as the actors have the other half.
std::size_t queues_of_node() { return std::max<std::size_t>(1, usable_cores() / 2); }

} // namespace

// -- unary ---------------------------------------------------------------------------------------

class sdk_server::request_service final : public Request::AsyncService {
public:
  explicit request_service(grpc_environment& env) : env_(env) {
    add_core_handlers(handlers_);
    add_naming_handlers(handlers_);
  }

  answer_budget& answers() const { return env_.api.context->tables.answers; }

  /// The order of checks is the reference's (`GrpcRequestAcceptor`).
  void handle(const std::string& peer_text, const wire::Payload& in,
              const unary_answer_ptr& answer) {
    auto& type = type_of(in);
    if (cluster_only.contains(type))
      return answer->send(
        error_response(500, rpc_error::bad_gateway, " invoke " + type + " from sdk is forbidden"));
    if (!env_.api.ready())
      return answer->send(
        error_response(500, rpc_error::starting, "Server is starting,please try later."));
    if (type == "ServerCheckRequest")
      return answer->send(server_check(peer_text));
    auto handler = handlers_.find(type);
    if (handler == handlers_.end())
      return answer->send(error_response(500, rpc_error::no_handler, "RequestHandler Not Found"));
    auto from = env_.peers.find(peer_text);
    if (auto client = from ? from->live() : nullptr)
      return invoke(handler->second, client, in, answer);
    if (!from)
      return refuse_unknown(type, answer);
    hold(from, handler->second, in, answer);
  }

private:
  rpc_reply server_check(const std::string& peer_text) {
    auto x = env_.peers.get(peer_text, env_.api.context->clock);
    return {"ServerCheckResponse", success_body(json_field("connectionId", x->id)
                                                + ",\"supportAbilityNegotiation\":true")};
  }

  /// A peer that we never spoke with: its channel reconnected by itself, maybe after our restart.
  /// Some SDKs take any 3xx answer to a health check for health and would stay deaf.
  static void refuse_unknown(const std::string& type, const unary_answer_ptr& answer) {
    if (type == "HealthCheckRequest")
      return answer->fail(grpc::StatusCode::UNAVAILABLE, "connection is unregistered");
    answer->send(unregistered());
  }

  static rpc_reply unregistered() {
    return error_response(500, rpc_error::unregistered, "Connection is unregistered.");
  }

  void invoke(rpc_handler handler, const connection_ptr& client, const wire::Payload& in,
              const unary_answer_ptr& answer) {
    client->active = env_.api.context->clock.steady();
    rpc_call call(env_, client, in, answer);
    work_timer timer;
    try {
      handler(call);
    } catch (const unreadable_request&) {
      answer->send(error_response(500, rpc_error::bad_gateway,
                                  "errCode: 101, errMsg: Nacos deserialize failed.  "));
    } catch (const std::exception& failure) {
      spdlog::error("request-failed {}: {}", loggable(type_of(in), 64), failure.what());
      answer->send(error_response(500, rpc_error::server_error, "server error"));
    }
    auto& node = *env_.api.context;
    if (timer.is_stall())
      node.tables.stalls.note(loggable(type_of(in), 64), timer.elapsed(), node.clock.wall());
  }

  /// The setup may be on its way: clients wait only a fixed time before their first request.
  void hold(const client_channel_ptr& from, rpc_handler handler, const wire::Payload& in,
            const unary_answer_ptr& answer) {
    if (in.ByteSizeLong() > held_bytes_max || held_ >= held_max)
      return answer->send(unregistered());
    ++held_;
    auto ticket = ++last_ticket_;
    auto resume = [this, from, handler, &in, answer] {
      --held_;
      if (auto client = from->live())
        invoke(handler, client, in, answer);
      else
        answer->send(unregistered());
    };
    if (!from->when_set_up(ticket, resume))
      return resume();
    auto deadline =
      std::chrono::system_clock::now() + env_.api.context->options.connections.setup_patience;
    auto alarm = std::make_shared<grpc::Alarm>();
    // Taken out when it rings: an alarm keeps its function, which else would keep it for ever.
    alarm->Set(deadline, [this, from, ticket, answer, alarm](bool) mutable {
      auto rung = std::move(alarm);
      if (!from->give_up(ticket))
        return;
      --held_;
      answer->send(unregistered());
    });
  }

  grpc_environment& env_;
  rpc_handlers handlers_;
  std::atomic<int> held_{0};
  std::atomic<std::uint64_t> last_ticket_{0};
};

/// One unary call: asked for before a client makes it, there until its answer was taken.
class sdk_server::unary_call final : public unary_answer,
                                     public std::enable_shared_from_this<unary_call> {
public:
  /// Asks for the next call that a client makes, and then for the next one.
  static void await_next(request_service& service, call_queue& queue) {
    auto call = std::make_shared<unary_call>(service, queue);
    call->self_ = call;
    service.Requestrequest(&call->context_, &call->in_, &call->writer_, queue.answers(),
                           queue.events(), static_cast<call_event*>(&call->arrived_));
  }

  unary_call(request_service& service, call_queue& queue) : service_(service), queue_(queue) {
    queue_.enter();
  }

private:
  void on_arrived(bool ok) {
    if (!ok)
      return on_answered(false); // the node stops
    await_next(service_, queue_);
    service_.handle(context_.peer(), in_, shared_from_this());
  }

  void deliver(rpc_reply reply) override {
    if (reply.body.size() >= long_answer_bytes) {
      // grpc++ holds what it sends beside what it was given.
      auto peer = parse_peer(context_.peer());
      share_ = service_.answers().take(peer.ip, 2 * reply.body.size(), peer.port);
      if (!share_)
        reply = error_response(503, rpc_error::over_threshold,
                               "too much is on its way to clients that do not read");
    }
    wire::Payload out;
    fill_payload(out, reply.type, std::move(reply.body));
    queue_.announce_answer();
    writer_.Finish(out, grpc::Status::OK, static_cast<call_event*>(&answered_));
  }

  void deliver_failure(const grpc::Status& status) override {
    queue_.announce_answer();
    writer_.FinishWithError(status, static_cast<call_event*>(&answered_));
  }

  void on_answered(bool) {
    queue_.leave();
    self_.reset(); // may delete this
  }

  request_service& service_;
  call_queue& queue_;
  grpc::ServerContext context_;
  grpc::ServerAsyncResponseWriter<wire::Payload> writer_{&context_};
  wire::Payload in_;
  answer_budget::share share_;
  std::shared_ptr<unary_call> self_;
  event_of<unary_call, &unary_call::on_arrived> arrived_{*this};
  event_of<unary_call, &unary_call::on_answered> answered_{*this};
};

// -- listener ------------------------------------------------------------------------------------

sdk_server::sdk_server(caf::actor_system& system, api_environment api, const std::string& address,
                       std::uint16_t port)
  : port_(port) {
  prepare_grpc();
  env_.api = std::move(api);
  env_.system = &system;
  requests_ = std::make_unique<request_service>(env_);
  auto& opts = env_.api.context->options.connections;
  auto ms = [](milliseconds x) { return static_cast<int>(x.count()); };
  grpc::ServerBuilder builder;
  builder.RegisterService(requests_.get());
  builder.RegisterService(&streams_);
  for (std::size_t i = 0; i < queues_of_node(); ++i)
    queues_.push_back(std::make_unique<call_queue>(builder));
  builder.SetMaxReceiveMessageSize(static_cast<int>(opts.message_bytes_max));
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, ms(opts.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(opts.keepalive_timeout));
  // Go's SDK pings every minute, also without calls, and must not be thrown out for it.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, calls_max);
  // Who connects and says nothing holds a descriptor no longer than this.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5'000);
  server_ = start_server(builder, address, tls_files_of(opts), port_);
  for (auto& queue : queues_) {
    unary_call::await_next(*requests_, *queue);
    stream_call::await_next(env_, streams_, *queue);
    queue->start();
  }
}

sdk_server::~sdk_server() { stop(milliseconds(0)); }

void sdk_server::stop(milliseconds grace) {
  if (!server_)
    return;
  for (auto& x : env_.peers.all())
    x->close("the node stops");
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  for (auto& queue : queues_)
    queue->join();
  server_.reset();
  queues_.clear();
}

} // namespace nacre
