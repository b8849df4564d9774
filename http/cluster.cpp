// /v1, /v2 and /v3 core cluster: the members a node knows. Stand-alone that is the node itself
// (Nacos `NacosClusterController`, `CoreOpsController`).
#include "http/routes.hpp"
#include "http/server_status.hpp"

namespace nacre {

namespace {

void write_self(json_writer& out, const call& c) {
  auto port = c.context().options.http.port;
  auto address = c.env.own_ip + ':' + std::to_string(port);
  out.begin_object()
    .field("ip", c.env.own_ip)
    .field("port", port)
    .field("state", "UP")
    .key("extendInfo")
    .begin_object()
    .field("lastRefreshTime", c.env.started_ms)
    .field("raftPort", std::to_string(port - 1000))
    .field("readyToUpgrade", true)
    .field("supportGrayModel", true)
    .field("version", "2.5.1")
    .end_object()
    .field("address", address)
    .field("failAccessCnt", 0)
    .key("abilities")
    .raw(R"({"remoteAbility":{"supportRemoteConnection":true,"grpcReportEnabled":true},)"
         R"("configAbility":{"supportRemoteMetrics":false},"namingAbility":{"supportJraft":true}})")
    .field("grpcReportEnabled", true)
    .end_object();
}

std::string self_json(const call& c) {
  json_writer out;
  write_self(out, c);
  return out.take();
}

/// The node itself if its address and state are asked for.
std::string nodes_json(const call& c, std::string_view address_prefix, std::string_view state) {
  auto address = c.env.own_ip + ':' + std::to_string(c.context().options.http.port);
  bool wanted = address.starts_with(address_prefix) && (state.empty() || state == "UP");
  return wanted ? '[' + self_json(c) + ']' : "[]";
}

std::optional<reply> self_v1(call& c) { return rest_result_reply(self_json(c)); }
std::optional<reply> self_v2(call& c) { return result_reply(self_json(c)); }

std::optional<reply> nodes_v1(call& c) {
  return rest_result_reply(nodes_json(c, c.optional("keyword"), ""));
}

std::optional<reply> simple_nodes_v1(call& c) {
  json_writer out;
  out.begin_array()
    .string(c.env.own_ip + ':' + std::to_string(c.context().options.http.port))
    .end_array();
  return rest_result_reply(out.view());
}

std::optional<reply> nodes_v2(call& c) {
  auto state = c.form_text_or("state", "");
  for (auto& x : state)
    x = static_cast<char>(std::toupper(static_cast<unsigned char>(x)));
  constexpr std::string_view states[] = {"", "STARTING", "UP", "SUSPICIOUS", "DOWN", "ISOLATION"};
  if (std::find(std::begin(states), std::end(states), state) == std::end(states))
    return result_error(400, result_code::illegal_state,
                        "Illegal state: " + std::string(c.optional("state")));
  return result_reply(nodes_json(c, c.form_text_or("address", ""), state));
}

std::optional<reply> health_v1(call& c) {
  return rest_result_reply('"' + server_status(c.env).name + '"');
}

std::optional<reply> health_v2(call& c) {
  return result_reply('"' + server_status(c.env).name + '"');
}

} // namespace

void add_cluster_routes(route_table& table) {
  constexpr auto core = api_family::core;
  table["/v1/core/cluster/self"] = {core, self_v1};
  table["/v1/core/cluster/nodes"] = {core, nodes_v1};
  table["/v1/core/cluster/simple/nodes"] = {core, simple_nodes_v1};
  table["/v1/core/cluster/health"] = {core, health_v1};
  for (std::string_view path : {"/v2/core/cluster/node/self", "/v3/admin/core/cluster/node/self"})
    table[path] = {core, self_v2};
  for (std::string_view path : {"/v2/core/cluster/node/list", "/v3/admin/core/cluster/node/list"})
    table[path] = {core, nodes_v2};
  for (std::string_view path :
       {"/v2/core/cluster/node/self/health", "/v3/admin/core/cluster/node/self/health"})
    table[path] = {core, health_v2};
}

} // namespace nacre
