// Health and state of /v1, /v2 and /v3 console and core (Nacos `HealthController`,
// `ServerStateController`).
#include "http/server/routes.hpp"
#include "http/server/server_status.hpp"

namespace nacre {

namespace {

std::optional<reply> liveness_v1(http_call&) { return text_reply("OK"); }
std::optional<reply> liveness_result(http_call&) { return result_reply("\"ok\""); }

constexpr std::string_view not_ready = "naming not in readiness";

std::optional<reply> readiness_v1(http_call& c) {
  if (c.context().counters.descriptors_scarce)
    return text_error(500, "naming not in readiness: no file descriptors are left for connections");
  if (!server_status(c).up())
    return text_error(500, not_ready);
  // Of what clients live on nothing is missing.
  if (c.context().counters.store_fails)
    return text_reply("OK, but the disk fails: nothing that must be kept can be written");
  auto group = c.context().agreeing_group.get();
  bool has_leader = group && (group->leads_here || !group->leader.empty());
  if (c.context().cluster && !has_leader)
    return text_reply("OK, but no node leads: nothing that all must agree on can be written");
  return text_reply("OK");
}

/// v2 and the v3 admin API tell it in the body only, the v3 console also by the status.
reply readiness(const http_call& c, unsigned status) {
  if (server_status(c).up())
    return result_reply("\"ok\"");
  auto x = json_reply(R"({"code":30000,"message":"naming not in readiness","data":null})");
  x.status = status;
  return x;
}

std::optional<reply> readiness_result(http_call& c) { return readiness(c, 200); }
std::optional<reply> readiness_console_v3(http_call& c) { return readiness(c, 500); }

std::string state_json(const http_call& c) {
  auto& opts = c.context().options;
  bool standalone = opts.mode == node_mode::standalone;
  json_writer out;
  out
    .begin_object()
    // Renamed in 2.3.0; tools look for either.
    .field("startup_mode", standalone ? "standalone" : "cluster")
    .field("standalone_mode", standalone ? "standalone" : "cluster")
    .null_field("function_mode")
    .field("version", "2.5.1")
    .field("nacre_version", NACRE_VERSION)
    .field("server_port", std::to_string(opts.http.port));
  constexpr std::pair<std::string_view, std::string_view> fixed[] = {
    {"auth_enabled", "false"},
    {"auth_admin_request", "false"},
    {"auth_system_type", "nacos"},
    {"login_page_enabled", "false"},
    {"console_ui_enabled", "false"},
    {"datasource_platform", ""},
    {"plugin_datasource_log_enabled", "false"},
    {"config_retention_days", "30"},
    {"notifyConnectTimeout", "100"},
    {"notifySocketTimeout", "200"},
    {"isHealthCheck", "true"},
    {"maxHealthCheckFailCount", "12"},
    {"maxContent", "10485760"},
    {"isManageCapacity", "true"},
    {"isCapacityLimitCheck", "false"},
    {"defaultClusterQuota", "100000"},
    {"defaultGroupQuota", "200"},
    {"defaultMaxSize", "102400"},
    {"defaultMaxAggrCount", "10000"},
    {"defaultMaxAggrSize", "1024"},
  };
  for (auto& [name, value] : fixed)
    out.field(name, value);
  out.end_object();
  return out.take();
}

std::optional<reply> state_v1(http_call& c) { return json_reply(state_json(c)); }
std::optional<reply> state_v3(http_call& c) { return result_reply(state_json(c)); }
std::optional<reply> no_announcement(http_call&) { return rest_result_reply("null"); }

} // namespace

void add_core_state_routes(route_table& table) {
  constexpr auto core = api_family::core;
  table["/v1/console/health/liveness"] = {core, liveness_v1};
  table["/v1/console/health/readiness"] = {core, readiness_v1};
  table["/v2/console/health/liveness"] = {core, liveness_result};
  table["/v2/console/health/readiness"] = {core, readiness_result};
  table["/v3/admin/core/state/liveness"] = {core, liveness_result};
  table["/v3/admin/core/state/readiness"] = {core, readiness_result};
  table["/v3/console/health/liveness"] = {core, liveness_result};
  table["/v3/console/health/readiness"] = {core, readiness_console_v3};
  table["/v1/console/server/state"] = {core, state_v1};
  table["/v3/console/server/state"] = {core, state_v1};
  table["/v3/admin/core/state"] = {core, state_v3};
  table["/v1/console/server/announcement"] = {core, no_announcement};
  table["/v1/console/server/guide"] = {core, no_announcement};
}

} // namespace nacre
