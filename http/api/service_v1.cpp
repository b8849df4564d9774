// /v1/ns/service, /catalog, /cluster and /health (Nacos `ServiceController`, `CatalogController`,
// `ClusterController`, `HealthController`).
#include "http/api/lists.hpp"
#include "http/api/service_json.hpp"
#include "http/api/writes.hpp"
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// The service that the request names; required.
service_key_view key_of(const http_call& c) {
  c.required("serviceName");
  return {c.namespace_id(), c.v1_service.group, c.v1_service.name};
}

std::optional<reply> get_v1(http_call& c) {
  auto key = key_of(c);
  auto view = find_or_refuse_service(c, key);
  json_writer out;
  out.begin_object()
    .field("namespaceId", key.namespace_id)
    .field("groupName", key.group)
    .field("name", key.name)
    .field("protectThreshold", view->protect_threshold());
  write(out.key("metadata"), metadata_of(*view));
  write(out.key("selector"), selector_of(*view));
  out.key("clusters").begin_array();
  for (auto& name : cluster_names(*view, false)) {
    auto& cluster = cluster_of(view->metadata, name);
    out.begin_object().field("name", name);
    write(out.key("healthChecker"), cluster.checker);
    write(out.key("metadata"), cluster.metadata);
    out.end_object();
  }
  out.end_array().end_object();
  return json_reply(out.take());
}

/// Offset and limit.
std::pair<std::size_t, std::size_t> page_of(std::string_view page_no, std::string_view page_size) {
  auto page = std::max(parse_int32(page_no).value_or(0), 1);
  auto limit = static_cast<std::size_t>(std::max(parse_int32(page_size).value_or(0), 0));
  return {static_cast<std::size_t>(page - 1) * limit, limit};
}

bool lists_long_page(const http_call& c) {
  auto [from, limit] = page_of(c.optional("pageNo"), c.optional("pageSize"));
  return c.context().tables.directory.is_long_page(
    c.namespace_id(), c.optional("groupName", default_group), from, limit);
}

std::optional<reply> list_services_v1(http_call& c) {
  auto page_no = c.required("pageNo"); // said first if both are missing
  auto [from, limit] = page_of(page_no, c.required("pageSize"));
  std::size_t total = 0;
  auto names = c.context().tables.directory.names(
    c.namespace_id(), c.optional("groupName", default_group), from, limit, total);
  json_writer out;
  out.begin_object().field("count", total).key("doms").begin_array();
  for (auto& name : names)
    out.string(name);
  out.end_array().end_object();
  return json_reply(out.take());
}

/// Whether `name` has a part that matches; a pattern that is no expression matches as text.
class name_pattern {
public:
  explicit name_pattern(std::string_view expression) : text_(expression) {
    // Only plain text: a caller's regular expression can take exponential time.
    if (text_.starts_with(".*"))
      text_.remove_prefix(2);
    if (text_.ends_with(".*"))
      text_.remove_suffix(2);
  }
  bool matches(std::string_view name) const { return name.find(text_) != std::string_view::npos; }

private:
  std::string_view text_;
};

std::optional<reply> names_v1(http_call& c) {
  auto& directory = c.context().tables.directory;
  auto wanted = c.optional("namespaceId");
  auto namespaces =
    wanted.empty() ? directory.namespaces() : std::vector<std::string>{std::string(wanted)};
  name_pattern pattern(c.optional("expr"));
  std::size_t count = 0;
  json_writer names;
  names.begin_object();
  for (auto& ns : namespaces) {
    names.key(ns).begin_array();
    directory.for_each_listed({ns, "", ""}, [&](const service_ref& key) {
      if (pattern.matches(key->name)) {
        names.string(key->grouped_name());
        ++count;
      }
      return true;
    });
    names.end_array();
  }
  names.end_object();
  json_writer out;
  // 1.x and the first 2.x called it `services`; clients of either find their key.
  out.begin_object()
    .key("META-INF/services")
    .raw(names.view())
    .key("services")
    .raw(names.view())
    .field("count", count)
    .end_object();
  return json_reply(out.take());
}

std::optional<reply> subscribers_v1(http_call& c) {
  auto key = key_of(c);
  auto page = c.int_or("pageNo", 1);
  auto size = std::min(c.int_or("pageSize", 1000), page_size_max);
  return answer_subscribers(
    c, {std::string(key.namespace_id), std::string(key.group), std::string(key.name), true},
    equals_ignore_case(c.optional("aggregation", "true"), "true"),
    [page, size](const auto& rows, const auto& incomplete) {
      json_writer out;
      out.begin_object().key("subscribers").begin_array();
      for (auto& x : page_of(rows, page, size))
        out.begin_object()
          .field("addrStr", x.address)
          .field("agent", x.agent)
          .field("app", x.app)
          .field("ip", x.ip)
          .field("port", x.port)
          .field("namespaceId", x.namespace_id)
          .field("serviceName", x.group + "@@" + x.service)
          .field("cluster", x.clusters)
          .end_object();
      out.end_array().field("count", rows.size());
      write_incomplete(out, incomplete);
      out.end_object();
      return out.take();
    });
}

std::optional<reply> selector_types_v1(http_call&) {
  return rest_result_reply(R"(["none","label"])");
}

// -- catalog -------------------------------------------------------------------------------------

std::optional<reply> catalog_service(http_call& c) {
  auto key = key_of(c);
  auto view = find_listed(c, key);
  if (!view)
    return text_error(404, "service " + key.grouped_name() + " is not found!");
  json_writer out;
  out.begin_object()
    .key("service")
    .begin_object()
    .field("name", key.name)
    .field("groupName", key.group)
    .field("protectThreshold", view->protect_threshold());
  write(out.key("selector"), selector_of(*view));
  write(out.key("metadata"), metadata_of(*view));
  out.end_object().key("clusters").begin_array();
  for (auto& name : cluster_names(*view, false)) {
    auto& cluster = cluster_of(view->metadata, name);
    out.begin_object().field("serviceName", key.grouped_name()).field("name", name);
    write(out.key("healthChecker"), cluster.checker);
    out.field("defaultPort", 80)
      .field("defaultCheckPort", cluster.check_port)
      .field("useIPPort4Check", cluster.use_instance_port);
    write(out.key("metadata"), cluster.metadata);
    out.end_object();
  }
  out.end_array().end_object();
  return json_reply(out.take());
}

std::optional<reply> catalog_instances(http_call& c) {
  auto key = key_of(c);
  auto cluster = c.required("clusterName");
  auto page = c.required_int("pageNo");
  auto size = std::min(c.required_int("pageSize"), page_size_max);
  auto view = find_listed(c, key);
  if (!view)
    return text_error(404, "service " + key.grouped_name() + " is not found!");
  auto names = cluster_names(*view, true);
  if (std::find(names.begin(), names.end(), cluster) == names.end())
    return text_error(404, "cluster " + std::string(cluster) + " is not found!");
  auto chosen = view->select({cluster, false, false}).instances;
  json_writer out;
  out.begin_object().key("list").begin_array();
  for (auto& x : page_of(chosen, page, size))
    write_host(out, key, x.effective, x.effective.healthy);
  out.end_array().field("count", chosen.size()).end_object();
  return json_reply(out.take());
}

void write_with_instances(json_writer& out, const service_view& view) {
  out.begin_object()
    .null_field("namespace")
    .field("serviceName", view.key->name)
    .field("groupName", view.key->group)
    .key("clusterMap")
    .begin_object();
  for (auto& [name, instances] : instances_by_cluster(view)) {
    out.key(name)
      .begin_object()
      .null_field("clusterName")
      .null_field("healthChecker")
      .null_field("metadata")
      .key("hosts")
      .begin_array();
    for (auto& x : instances) {
      out.begin_object().field("valid", x.healthy);
      write(out.key("metadata"), x.metadata);
      out.field("port", x.port)
        .field("ip", x.ip)
        .field("weight", x.weight)
        .field("enabled", x.enabled)
        .end_object();
    }
    out.end_array().end_object();
  }
  out.end_object();
  write(out.key("metadata"), metadata_of(view));
  out.field("protectThreshold", view.protect_threshold())
    .null_field("selector")
    .null_field("ephemeral")
    .end_object();
}

std::optional<reply> catalog_services(http_call& c) {
  auto page = c.required_int("pageNo");
  auto size = std::min(c.required_int("pageSize"), page_size_max);
  bool with_instances = equals_ignore_case(c.optional("withInstances"), "true");
  service_filter filter{c.optional("serviceNameParam"), c.optional("groupNameParam"),
                        equals_ignore_case(c.optional("hasIpCount"), "true")};
  auto all = matching_services(c, c.namespace_id(), filter);
  json_writer out;
  if (with_instances) {
    out.begin_array();
    for (auto& view : page_with_instances(c, all, page, size))
      write_with_instances(out, *view);
    out.end_array();
  } else {
    out.begin_object().field("count", all.size()).key("serviceList").begin_array();
    for (auto& view : page_of(all, page, size))
      write_summary(out, *view);
    out.end_array().end_object();
  }
  return json_reply(out.take());
}

// -- cluster and health --------------------------------------------------------------------------

std::optional<reply> health_server(http_call& c) {
  auto port = std::to_string(c.context().options.http.port);
  auto total = std::to_string(c.context().tables.directory.listed());
  return json_reply(R"({"msg":"Hello! I am Nacos-Naming and healthy! total services: )" + total
                    + ", local port:" + port + "\"}");
}

std::optional<reply> checkers_v1(http_call&) { return json_reply(checkers_json()); }

} // namespace

void add_service_v1_routes(route_table& table) {
  constexpr auto family = api_family::naming_v1;
  table["/v1/ns/service"] = {family,
                             {get_v1, names_large_service},
                             create_service_call,
                             update_service_call,
                             delete_service_call};
  table["/v1/ns/service/list"] = {family, {list_services_v1, lists_long_page}};
  table["/v1/ns/service/names"] = {family, {names_v1, always}};
  table["/v1/ns/service/subscribers"] = {family, {subscribers_v1, always}};
  table["/v1/ns/service/selector/types"] = {family, selector_types_v1};
  table["/v1/ns/catalog/service"] = {family, {catalog_service, names_large_service}};
  table["/v1/ns/catalog/instances"] = {family, {catalog_instances, names_large_service}};
  table["/v1/ns/catalog/services"] = {family, {catalog_services, always}};
  table["/v1/ns/cluster"] = {.family = family, .put = put_cluster_call};
  table["/v1/ns/health"] = {.family = family, .put = put_health_call};
  table["/v1/ns/health/instance"] = {.family = family, .put = put_health_call};
  table["/v1/ns/health/server"] = {family, health_server};
  table["/v1/ns/health/checkers"] = {family, checkers_v1};
}

} // namespace nacre
