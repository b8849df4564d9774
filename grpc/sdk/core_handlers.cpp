// What a client's stack sends besides naming: health checks, and requests of the configuration API,
// which are answered so that no client retries or reconnects for ever.
#include "grpc/sdk/rpc_call.hpp"
#include "protocol/naming_request.hpp"
#include "protocol/naming_response.hpp"

namespace nacre {

namespace {

void health_check(rpc_call& call) {
  check_request_body(call.body);
  call.reply("HealthCheckResponse", success_body());
}

void config_query(rpc_call& call) {
  check_request_body(call.body);
  auto body = failure_body(500, 300, "config data not exist");
  body.pop_back();
  call.reply("ConfigQueryResponse", body + ",\"lastModified\":0,\"beta\":false}");
}

void config_listen(rpc_call& call) {
  check_request_body(call.body);
  call.reply("ConfigChangeBatchListenResponse", success_body("\"changedConfigs\":[]"));
}

void config_publish(rpc_call& call) {
  check_request_body(call.body);
  call.reply("ConfigPublishResponse",
             failure_body(500, rpc_error::not_implemented,
                          "this node is a service registry and keeps no configuration"));
}

void config_remove(rpc_call& call) {
  check_request_body(call.body);
  call.reply("ConfigRemoveResponse", success_body());
}

} // namespace

void add_core_handlers(rpc_handlers& table) {
  table["HealthCheckRequest"] = health_check;
  table["ConfigQueryRequest"] = config_query;
  table["ConfigBatchListenRequest"] = config_listen;
  table["ConfigPublishRequest"] = config_publish;
  table["ConfigRemoveRequest"] = config_remove;
}

} // namespace nacre
