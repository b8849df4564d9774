#include "http/server/filters.hpp"

#include "http/server/server_status.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

std::string unready_text(const status_now& status) {
  return "server is " + status.name + "now, "
         + (status.overridden ? "please try again later!" : "detailed error message: it starts");
}

} // namespace

std::optional<reply> revise_traffic(const http_call& c) {
  auto& switches = c.switches();
  if (!switches->limited_urls.empty()) {
    auto target = std::string(c.request.uri) + '?'
                  + std::string(c.request.query.empty() ? "null" : c.request.query);
    for (auto& [prefix, status] : switches->limited_urls)
      if (target.starts_with(prefix)) {
        reply x;
        x.status = static_cast<unsigned>(status);
        return x;
      }
  }
  auto status = server_status(c);
  if (status.up() || c.agent().starts_with("Nacos-Server"))
    return std::nullopt;
  bool reads = c.request.method == http_method::get || c.request.method == http_method::head;
  if ((status.name == "READ_ONLY" && reads) || (status.name == "WRITE_ONLY" && !reads))
    return std::nullopt;
  reply x;
  x.status = 503;
  x.body = unready_text(status);
  return x;
}

std::optional<reply> refuse_unready(const http_call& c) {
  if (c.env.ready())
    return std::nullopt;
  return result_error(503, result_code::server_error, unready_text({"STARTING", false}));
}

std::optional<reply> read_service_name(http_call& c) {
  auto given = c.params.find("serviceName");
  if (!given || given->empty())
    return std::nullopt; // the handler says what is missing
  auto name = trim(*given);
  if (name.empty())
    return text_error(
      400, "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'");
  if (name.find("@@") == std::string_view::npos) {
    c.v1_service = {c.optional("groupName", default_group), name};
    return std::nullopt;
  }
  if (auto complaint = check_grouped_name(name))
    return container_error(400, "Service name filter error,caused: " + *complaint + ";",
                           c.request.uri);
  auto at = name.find("@@");
  c.v1_service = {name.substr(0, at), name.substr(at + 2)};
  return std::nullopt;
}

std::optional<reply> check_parameters(const http_call& c, bool v1) {
  auto raw = [&](std::string_view key) { return c.params.find(key).value_or(""); };
  auto& checks = c.context().checks;
  for (auto key : {"clusters", "clusterName", "cluster"})
    if (auto clusters = c.params.joined(key))
      if (auto complaint =
            check_clusters_size(*clusters, c.context().options.limits.query_clusters_max))
        return param_check_error(*complaint);
  if (!checks.enabled)
    return std::nullopt;
  auto either = [&](std::string_view a, std::string_view b) {
    auto x = raw(a);
    return x.empty() ? raw(b) : x;
  };
  checked_names names;
  names.namespace_id = raw("namespaceId");
  names.namespace_show_name = either("namespaceName", "namespaceShowName");
  if (v1) {
    names.service_name = c.v1_service.name.empty() ? raw("serviceNameParam") : c.v1_service.name;
    names.group = c.v1_service.group.empty() ? raw("groupName") : c.v1_service.group;
    names.clusters = raw("clusters");
  } else {
    auto service = raw("serviceName");
    auto at = service.find("@@");
    names.service_name = at == std::string_view::npos ? service : service.substr(at + 2);
    names.group = at == std::string_view::npos ? raw("groupName") : service.substr(0, at);
  }
  // v2 and v3 take a list of clusters in the same parameter.
  (v1 ? names.cluster : names.clusters) = either("clusterName", "cluster");
  names.ip = raw("ip");
  names.port = either("port", "checkPort");
  if (auto complaint = checks.names(names))
    return param_check_error(*complaint);
  return std::nullopt;
}

} // namespace nacre
