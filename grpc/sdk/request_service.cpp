#include <utility>

#include "grpc/sdk/request_service.hpp"

#include <set>

#include <spdlog/spdlog.h>

#include "protocol/naming_request.hpp"
#include "protocol/naming_response.hpp"

namespace nacre {

namespace {

/// Requests between nodes; they have a port of their own (Nacos `RequestFilters`, 2.4.3).
const std::set<std::string_view> cluster_only{"ServerLoaderInfoRequest", "ServerReloadRequest",
                                              "DistroDataRequest", "MemberReportRequest",
                                              "ConfigChangeClusterSyncRequest"};

/// Requests that may wait for their connection's setup at one time, and how large each may be.
constexpr int held_max = 10'000;
constexpr std::size_t held_bytes_max = 16 * 1024;

rpc_reply unregistered() {
  return error_response(500, rpc_error::unregistered, "Connection is unregistered.");
}

} // namespace

request_service::request_service(grpc_environment& env) : env_(env) {
  add_core_handlers(handlers_);
  add_naming_handlers(handlers_);
}

/// The order of checks is the reference's (`GrpcRequestAcceptor`).
void request_service::handle(const client_channel_ptr& from, const wire::Payload& in,
                             const unary_answer_ptr& answer) {
  auto& type = type_of(in);
  if (cluster_only.contains(type))
    return answer->send(
      error_response(500, rpc_error::bad_gateway, " invoke " + type + " from sdk is forbidden"));
  if (!env_.api.ready())
    return answer->send(
      error_response(500, rpc_error::starting, "Server is starting,please try later."));
  if (type == "ServerCheckRequest")
    return answer->send(server_check(*from));
  auto handler = handlers_.find(type);
  if (handler == handlers_.end())
    return answer->send(error_response(500, rpc_error::no_handler, "RequestHandler Not Found"));
  if (auto client = from->live())
    return invoke(handler->second, client, in, answer);
  if (!from->is_expected())
    return refuse_unknown(type, answer);
  hold(from, handler->second, in, answer);
}

rpc_reply request_service::server_check(client_channel& from) {
  return {"ServerCheckResponse", success_body(json_field("connectionId", from.id())
                                              + ",\"supportAbilityNegotiation\":true")};
}

/// A connection that never spoke of itself: its channel reconnected by itself, maybe after our
/// restart. Some SDKs take any 3xx answer to a health check for health and would stay deaf.
void request_service::refuse_unknown(const std::string& type, const unary_answer_ptr& answer) {
  if (type == "HealthCheckRequest")
    return answer->fail(status_code::unavailable, "connection is unregistered");
  answer->send(unregistered());
}

void request_service::invoke(rpc_handler handler, const connection_ptr& client,
                             const wire::Payload& in, const unary_answer_ptr& answer) {
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
void request_service::hold(const client_channel_ptr& from, rpc_handler handler,
                           const wire::Payload& in, const unary_answer_ptr& answer) {
  if (in.ByteSizeLong() > held_bytes_max || held_ >= held_max)
    return answer->send(unregistered());
  ++held_;
  auto kept = std::make_shared<const wire::Payload>(in);
  from->when_set_up(env_.api.context->options.connections.setup_patience,
                    [this, channel = from.get(), handler, kept, answer] {
                      --held_;
                      if (auto client = channel->live())
                        invoke(handler, client, *kept, answer);
                      else
                        answer->send(unregistered());
                    });
}

} // namespace nacre
