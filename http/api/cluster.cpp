// /v1, /v2 and /v3 core cluster: the members a node knows. Stand-alone that is the node itself
// (Nacos `NacosClusterController`, `CoreOpsController`). Not served: `report`, by which nodes of
// the reference tell each other of themselves, because one that gets an answer takes this node for
// a member that speaks its protocol; and `switch/lookup`, because members are configured.
#include "actors/distro/cluster_context.hpp"
#include "http/server/routes.hpp"
#include "http/server/server_status.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// As this node sees them.
std::vector<member> members_of(const http_call& c) {
  if (auto& cluster = c.context().cluster)
    return cluster->now()->members();
  return {member{c.own_address(), member_state::up}};
}

/// When something was last heard of the member, by the wall clock; nothing if nothing was yet.
std::optional<wall_time> refreshed_at(const http_call& c, const member& x) {
  if (x.address == c.own_address())
    return c.env.started;
  if (!x.last_heard)
    return std::nullopt;
  return c.context().clock.wall(*x.last_heard);
}

/// What Nacos tells of each of its Raft groups, of the one that there is here.
void write_group(json_writer& out, const http_call& c) {
  auto group = c.context().agreeing_group.get();
  if (!group)
    return;
  auto leader = group->leads_here ? c.own_address() : group->leader;
  out.key("raftMetaData").begin_object().key("metaDataMap").begin_object();
  for (auto name : {"naming_persistent_service_v2", "naming_persistent_service",
                    "naming_instance_metadata", "naming_service_metadata"}) {
    out.key(name).begin_object().field("leader", leader).key("raftGroupMember").begin_array();
    for (auto& address : group->voters)
      out.string(address);
    if (group->voters.empty())
      out.string(c.own_address());
    out.end_array().field("term", group->term).end_object();
  }
  out.end_object().end_object();
}

void write_member(json_writer& out, const http_call& c, const member& x) {
  auto [host, port] = split_host_port(x.address).value_or(host_port{x.address});
  out.begin_object()
    .field("ip", host)
    .field("port", port)
    .field("state", to_string(x.state))
    .key("extendInfo")
    .begin_object();
  if (auto at = refreshed_at(c, x))
    out.field("lastRefreshTime", to_ms(*at));
  if (x.address == c.own_address())
    write_group(out, c);
  // Clients look for the key; there is no such port.
  out.field("raftPort", "0")
    .field("readyToUpgrade", true)
    .field("supportGrayModel", true)
    .field("version", "2.5.1")
    .end_object()
    .field("address", x.address)
    .field("failAccessCnt", 0)
    .key("abilities")
    .raw(
      R"({"remoteAbility":{"supportRemoteConnection":true,"grpcReportEnabled":true},)"
      R"("configAbility":{"supportRemoteMetrics":false},"namingAbility":{"supportJraft":false}})")
    .field("grpcReportEnabled", true)
    .end_object();
}

std::string self_json(const http_call& c) {
  json_writer out;
  write_member(out, c, {c.own_address(), member_state::up});
  return out.take();
}

/// The members whose address and state are asked for.
std::string nodes_json(const http_call& c, std::string_view address_prefix,
                       std::string_view state) {
  json_writer out;
  out.begin_array();
  for (auto& x : members_of(c))
    if (x.address.starts_with(address_prefix) && (state.empty() || state == to_string(x.state)))
      write_member(out, c, x);
  out.end_array();
  return out.take();
}

std::optional<reply> self_v1(http_call& c) { return rest_result_reply(self_json(c)); }
std::optional<reply> self_v2(http_call& c) { return result_reply(self_json(c)); }

std::optional<reply> nodes_v1(http_call& c) {
  return rest_result_reply(nodes_json(c, c.optional("keyword"), ""));
}

std::optional<reply> simple_nodes_v1(http_call& c) {
  json_writer out;
  out.begin_array();
  for (auto& x : members_of(c))
    out.string(x.address);
  out.end_array();
  return rest_result_reply(out.view());
}

/// Gone from the reference since 2.2.0, but tools ask the nodes of a cluster for it.
std::optional<reply> servers_v1(http_call& c) {
  if (!c.context().cluster) // as recorded
    return container_error(501, "no such api:GET:" + std::string(c.request.uri), c.request.uri);
  bool healthy_only = equals_ignore_case(c.optional("healthy"), "true");
  return json_reply(R"({"servers":)" + nodes_json(c, "", healthy_only ? "UP" : "") + '}');
}

std::optional<reply> nodes_v2(http_call& c) {
  auto state = c.form_text_or("state", "");
  for (auto& x : state)
    x = static_cast<char>(std::toupper(static_cast<unsigned char>(x)));
  constexpr std::string_view states[] = {"", "STARTING", "UP", "SUSPICIOUS", "DOWN", "ISOLATION"};
  if (std::find(std::begin(states), std::end(states), state) == std::end(states))
    return result_error(400, result_code::illegal_state,
                        "Illegal state: " + std::string(c.optional("state")));
  return result_reply(nodes_json(c, c.form_text_or("address", ""), state));
}

std::optional<reply> health_v1(http_call& c) {
  return rest_result_reply('"' + server_status(c).name + '"');
}

std::optional<reply> health_v2(http_call& c) {
  return result_reply('"' + server_status(c).name + '"');
}

} // namespace

void add_cluster_routes(route_table& table) {
  constexpr auto core = api_family::core;
  table["/v1/core/cluster/self"] = {core, self_v1};
  table["/v1/core/cluster/nodes"] = {core, nodes_v1};
  table["/v1/core/cluster/simple/nodes"] = {core, simple_nodes_v1};
  table["/v1/core/cluster/health"] = {core, health_v1};
  table["/v1/ns/operator/servers"] =
    table["/v1/ns/ops/servers"] = {api_family::naming_v1, servers_v1};
  for (std::string_view path : {"/v2/core/cluster/node/self", "/v3/admin/core/cluster/node/self"})
    table[path] = {core, self_v2};
  for (std::string_view path : {"/v2/core/cluster/node/list", "/v3/admin/core/cluster/node/list"})
    table[path] = {core, nodes_v2};
  for (std::string_view path :
       {"/v2/core/cluster/node/self/health", "/v3/admin/core/cluster/node/self/health"})
    table[path] = {core, health_v2};
}

} // namespace nacre
