// /v1/ns/operator, /v2/ns/operator, /v3/admin/ns/ops: switches, metrics and the like (Nacos
// `OperatorController`). The same answers, bare on v1 and as a result on v2 and v3.
#include <cstdlib>
#include <ctime>
#include <fstream>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "actors/distro/cluster_report.hpp"
#include "http/server/routes.hpp"
#include "http/server/server_status.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Used share of the machine: one-minute load, share of one core since start, share of memory.
struct machine_use {
  double load = 0;
  double cpu = 0;
  double memory = 0;
};

machine_use measure(wall_time started, wall_time now) {
  machine_use use;
  double load[1] = {0};
  if (getloadavg(load, 1) == 1)
    use.load = load[0];
  auto cpu_ms = static_cast<double>(std::clock()) * 1000.0 / CLOCKS_PER_SEC;
  use.cpu = cpu_ms / static_cast<double>(std::max<std::int64_t>(to_ms(now - started), 1));
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  auto pages = static_cast<double>(sysconf(_SC_PHYS_PAGES));
  use.memory = pages > 0 ? static_cast<double>(resident) / pages : 0;
  return use;
}

void write_counts(json_writer& out, const http_call& c, bool v1) {
  auto& counters = c.context().counters;
  auto connections = static_cast<std::int64_t>(c.context().tables.connections.size());
  auto instances = counters.instances.load();
  auto rows = counters.clients.load();
  auto persistent = counters.persistent_clients.load();
  auto elsewhere = count_elsewhere(c.context().cluster.get());
  out.field("serviceCount", c.context().tables.directory.listed())
    .field("instanceCount", instances)
    .field("subscribeCount", counters.subscribers.load());
  if (v1)
    out.field("responsibleInstanceCount", instances - elsewhere.instances);
  out.field("clientCount", rows + connections)
    .field("connectionBasedClientCount", connections + elsewhere.connections)
    .field("ephemeralIpPortClientCount", rows - persistent - elsewhere.connections)
    .field("persistentIpPortClientCount", persistent)
    .field("responsibleClientCount",
           rows + connections - elsewhere.connections - elsewhere.beating_clients);
}

/// Clients that ask whether the node is well want no more than its status.
bool counts_clients(const http_call& c) {
  return equals_ignore_case(c.optional("onlyStatus", "true"), "false");
}

std::string metrics_json(const http_call& c, bool v1, bool with_machine) {
  json_writer out;
  out.begin_object().field("status", server_status(c).name);
  if (counts_clients(c)) {
    write_counts(out, c, v1);
    if (with_machine) {
      auto use = measure(c.env.started, c.context().clock.wall());
      out.field("cpu", use.cpu).field("load", use.load).field("mem", use.memory);
    }
  }
  out.end_object();
  return out.take();
}

std::string switches_json(const http_call& c, switch_names names) {
  json_writer out;
  write(out, *c.switches(), names);
  return out.take();
}

std::optional<reply> switches_v1(http_call& c) {
  return json_reply(switches_json(c, switch_names::v2));
}
std::optional<reply> switches_v2(http_call& c) {
  return result_reply(switches_json(c, switch_names::v2));
}
std::optional<reply> switches_v3(http_call& c) {
  return result_reply(switches_json(c, switch_names::v3));
}

bool on_this_node_only(const http_call& c) {
  return equals_ignore_case(c.optional("debug"), "true");
}

std::optional<reply> set_switch_v1(http_call& c) {
  auto answer = c.later(
    [](const outcome& result) { return result.ok() ? text_reply("ok") : failure_v1(result); });
  caf::anon_send(c.context().actors.metadata.get(),
                 set_switch{std::string(c.required("entry")), std::string(c.required("value")),
                            on_this_node_only(c), std::move(answer)});
  return std::nullopt;
}

std::optional<reply> set_switch_v2(http_call& c) {
  auto entry = c.form_text("entry");
  auto value = c.form_text("value");
  auto answer = c.later([](const outcome& result) {
    return result.ok() ? result_reply("\"ok\"") : failure_result(result);
  });
  caf::anon_send(
    c.context().actors.metadata.get(),
    set_switch{std::move(entry), std::move(value), on_this_node_only(c), std::move(answer)});
  return std::nullopt;
}

std::optional<reply> metrics_v1(http_call& c) { return json_reply(metrics_json(c, true, true)); }
std::optional<reply> metrics_v2(http_call& c) { return result_reply(metrics_json(c, false, true)); }
std::optional<reply> metrics_v3(http_call& c) {
  return result_reply(metrics_json(c, false, false));
}

std::optional<reply> push_state(http_call& c) {
  auto& counters = c.context().counters;
  auto acked = counters.pushes_acked.load();
  auto failed = counters.pushes_failed.load();
  auto total = acked + failed;
  bool reset = equals_ignore_case(c.optional("reset"), "true");
  json_writer out;
  out.begin_object()
    .field("succeed", acked)
    .field("total", total)
    .field("ratio", total == 0 ? 0.0 : static_cast<double>(acked) / static_cast<double>(total));
  if (equals_ignore_case(c.optional("detail"), "true"))
    out.key("detail")
      .begin_object()
      .field("avgPushCost",
             acked == 0 ? -1
                        : counters.push_cost_ms_total.load() / static_cast<std::int64_t>(acked))
      .field("maxPushCost", counters.push_cost_ms_max.load())
      .end_object();
  out.field("reset", reset).end_object();
  if (reset) {
    counters.pushes_acked = 0;
    counters.pushes_failed = 0;
    counters.push_cost_ms_total = 0;
    counters.push_cost_ms_max = -1;
  }
  return json_reply(out.take());
}

/// A stand-alone node is responsible for every client.
std::string responsible_json(const http_call& c, const std::string& client_address) {
  auto& cluster = c.context().cluster;
  json_writer out;
  out.begin_object()
    .field("responsibleServer",
           cluster ? std::string(cluster->now()->ring().of(client_address)) : c.own_address())
    .end_object();
  return out.take();
}

std::optional<reply> responsible_v1(http_call& c) {
  auto ip = std::string(c.required("ip"));
  return json_reply(responsible_json(c, ip.append(":").append(c.required("port"))));
}

std::optional<reply> responsible_v3(http_call& c) {
  auto ip = c.form_text("ip");
  return result_reply(responsible_json(c, ip + ':' + std::to_string(c.form_int("port"))));
}

bool set_log_level(std::string_view text) {
  auto level = spdlog::level::from_str(std::string(text));
  // `from_str` answers `off` for what it does not know.
  if (level == spdlog::level::off && !equals_ignore_case(text, "off"))
    return false;
  spdlog::set_level(level);
  return true;
}

std::string lower(std::string_view text) {
  std::string result(text.substr(0, 16));
  for (auto& x : result)
    x = static_cast<char>(std::tolower(static_cast<unsigned char>(x)));
  return result;
}

std::optional<reply> put_log_v1(http_call& c) {
  c.required("logName");
  if (!set_log_level(lower(c.required("logLevel"))))
    return text_error(400, "unknown log level");
  return text_reply("ok");
}

std::optional<reply> put_log_v3(http_call& c) {
  c.form_text("logName");
  if (!set_log_level(lower(c.form_text("logLevel"))))
    return result_error(400, result_code::parameter_validate_error, "unknown log level");
  return result_reply("\"ok\"");
}

} // namespace

void add_operator_routes(route_table& table) {
  constexpr auto v1 = api_family::naming_v1;
  route switches_route_v1{.family = v1, .get = switches_v1, .put = set_switch_v1};
  route log_route_v1{.family = v1, .put = put_log_v1};
  table["/v1/ns/operator/switches"] = table["/v1/ns/ops/switches"] = switches_route_v1;
  // In a cluster what others hold is counted.
  table["/v1/ns/operator/metrics"] =
    table["/v1/ns/ops/metrics"] = {v1, {metrics_v1, counts_clients}};
  table["/v1/ns/operator/push/state"] = table["/v1/ns/ops/push/state"] = {v1, push_state};
  table["/v1/ns/operator/distro/client"] = table["/v1/ns/ops/distro/client"] = {v1, responsible_v1};
  table["/v1/ns/operator/log"] = table["/v1/ns/ops/log"] = log_route_v1;

  // An operator reaches these also while the node starts.
  constexpr auto core = api_family::core;
  route switches_route{.family = core, .get = switches_v2, .put = set_switch_v2};
  table["/v2/ns/operator/switches"] = table["/v2/ns/ops/switches"] = switches_route;
  table["/v3/admin/ns/ops/switches"] = {.family = core, .get = switches_v3, .put = set_switch_v2};
  table["/v2/ns/operator/metrics"] =
    table["/v2/ns/ops/metrics"] = {core, {metrics_v2, counts_clients}};
  table["/v3/admin/ns/ops/metrics"] = {core, {metrics_v3, counts_clients}};
  table["/v3/admin/ns/ops/log"] = {.family = core, .put = put_log_v3};
  table["/v3/admin/ns/client/distro"] = {core, responsible_v3};
}

} // namespace nacre
