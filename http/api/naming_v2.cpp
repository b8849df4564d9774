// /v2/ns/instance, /service, /catalog, /health (Nacos `controllers/v2`).
#include "http/api/beat.hpp"
#include "http/api/instance_form.hpp"
#include "http/api/lists.hpp"
#include "http/api/service_json.hpp"
#include "http/api/writes.hpp"
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

std::optional<reply> patch_v2(http_call& c) {
  auto grouped = c.form_text("serviceName");
  if (auto complaint = check_grouped_name(grouped))
    return result_error(400, result_code::parameter_validate_error, *complaint);
  auto parts = split_grouped_name(grouped);
  auto ns = c.form_text_or("namespaceId", default_namespace);
  auto service = make_service_ref({ns, parts.group, parts.name});
  auto ip = c.form_text("ip");
  auto port = c.form_int("port");
  c.form_text("weight", "Double");
  c.form_text("enabled", "Boolean");
  c.form_text("metadata");
  auto cluster = c.form_text_or("cluster", default_cluster);
  auto what =
    find_or_refuse_instance(c, service->view(), ip, static_cast<std::uint16_t>(port), cluster);
  what.weight = c.form_double_or("weight", 1.0);
  what.enabled = c.form_bool_or("enabled", true);
  what.metadata = read_metadata(c);
  // As recorded: success is plain text here.
  send_override(c, service, what, c.later([](const outcome& result) {
    return result.ok() ? text_reply("ok") : failure_result(result);
  }));
  return std::nullopt;
}

std::optional<reply> detail_v2(http_call& c) {
  auto key = c.service();
  auto ip = c.form_text("ip");
  auto port = c.form_int("port");
  auto x = find_or_refuse_instance(c, key->view(), ip, static_cast<std::uint16_t>(port),
                                   c.form_text_or("clusterName", default_cluster));
  json_writer out;
  out.begin_object()
    .field("serviceName", key->grouped_name())
    .field("ip", x.ip)
    .field("port", x.port)
    .field("clusterName", x.cluster_name)
    .field("weight", x.weight)
    .field("healthy", x.healthy)
    .key("instanceId");
  auto id = x.instance_id(key->view());
  id.empty() ? out.null() : out.string(id);
  write(out.key("metadata"), x.metadata);
  out.end_object();
  return result_reply(out.view());
}

std::optional<reply> list_v2(http_call& c) {
  if (c.params.find("serviceName").value_or("").empty())
    return result_error(400, result_code::parameter_missing,
                        "Required request parameter 'serviceName' for method parameter type "
                        "String is not present");
  if (is_blank(*c.params.find("serviceName")))
    return result_error(400, result_code::parameter_validate_error,
                        "Param 'serviceName' is illegal, serviceName is blank");
  auto key = c.service();
  auto clusters = c.form_text_or("clusterName", "");
  subscribe_by_query(c, key->view(), clusters, c.form_text_or("ip", ""),
                     c.form_text_or("port", ""));
  auto list = list_of(c, key->view(), {clusters, c.form_bool_or("healthyOnly", false), true});
  return result_reply(list, list->parts());
}

std::optional<reply> beat_v2(http_call& c) {
  auto grouped = c.form_text("serviceName");
  if (auto complaint = check_grouped_name(grouped))
    return result_error(400, result_code::parameter_validate_error, *complaint);
  c.v1_service = split_grouped_name(c.params.find("serviceName").value_or(""));
  return answer_beat(c, read_beat(c));
}

std::optional<reply> statuses_v2(http_call& c) {
  auto at = c.request.uri.rfind('/');
  parameters key;
  if (!key.add_urlencoded("key=" + std::string(c.request.uri.substr(at + 1))))
    return result_error(400, result_code::parameter_validate_error, "broken escape in the path");
  auto text = key.find("key").value_or("");
  auto mark = text.find("##");
  auto ns = mark == std::string_view::npos ? default_namespace : text.substr(0, mark);
  auto grouped = mark == std::string_view::npos ? text : text.substr(mark + 2);
  if (auto complaint = check_grouped_name(grouped))
    return result_error(400, result_code::parameter_validate_error, *complaint);
  auto parts = split_grouped_name(grouped);
  return json_reply(statuses_json(c, {ns, parts.group, parts.name}));
}

std::optional<reply> get_service_v2(http_call& c) {
  auto key = c.service();
  auto view = find_or_refuse_service(c, key->view());
  json_writer out;
  out.begin_object()
    .field("namespace", key->namespace_id)
    .field("serviceName", key->name)
    .field("groupName", key->group)
    .key("clusterMap")
    .begin_object();
  for (auto& name : cluster_names(*view, false)) {
    auto& cluster = cluster_of(view->metadata, name);
    out.key(name).begin_object().field("clusterName", name);
    write(out.key("healthChecker"), cluster.checker);
    write(out.key("metadata"), cluster.metadata);
    out.null_field("hosts").end_object();
  }
  out.end_object();
  write(out.key("metadata"), metadata_of(*view));
  out.field("protectThreshold", view->protect_threshold());
  write(out.key("selector"), selector_of(*view));
  out.field("ephemeral", view->kind == service_kind::ephemeral).end_object();
  return result_reply(out.view());
}

/// Offset and limit.
std::pair<std::size_t, std::size_t> page_of_names(std::int32_t page, std::int32_t size) {
  auto limit = static_cast<std::size_t>(std::clamp(size, 0, 500));
  return {static_cast<std::size_t>(std::max(page, 1) - 1) * limit, limit};
}

bool lists_long_page_v2(const http_call& c) {
  auto [from, limit] = page_of_names(parse_int32(c.optional("pageNo")).value_or(1),
                                     parse_int32(c.optional("pageSize")).value_or(20));
  return c.context().tables.directory.is_long_page(
    c.namespace_id(), c.optional("groupName", default_group), from, limit);
}

std::optional<reply> list_services_v2(http_call& c) {
  auto page = c.form_int_or("pageNo", 1);
  auto [from, limit] = page_of_names(page, c.form_int_or("pageSize", 20));
  std::size_t total = 0;
  auto names = c.context().tables.directory.names(c.form_text_or("namespaceId", default_namespace),
                                                  c.form_text_or("groupName", default_group), from,
                                                  limit, total);
  json_writer out;
  out.begin_object().field("count", total).key("services").begin_array();
  for (auto& name : names)
    out.string(name);
  out.end_array().end_object();
  return result_reply(out.view());
}

/// Its group is in its name here.
bool catalogs_large_service(const http_call& c) {
  auto parts = split_grouped_name(c.optional("serviceName"));
  return is_large(c, {c.namespace_id(), parts.group, parts.name});
}

std::optional<reply> catalog_instances_v2(http_call& c) {
  auto service = c.required("serviceName");
  auto parts = split_grouped_name(service);
  auto page = c.required_int("pageNo");
  auto size = std::min(c.required_int("pageSize"), page_size_max);
  service_key_view key{c.namespace_id(), parts.group, parts.name};
  bool enabled_only = equals_ignore_case(c.optional("enabledOnly"), "true");
  bool healthy_only = equals_ignore_case(c.optional("healthyOnly"), "true");
  auto view = find_listed(c, key);
  auto all = view ? view->select({"", healthy_only, enabled_only}).instances
                  : std::vector<selected_instance>{};
  auto shown = page_of(all, page, size);
  json_writer out;
  out.begin_object();
  if (!shown.empty()) {
    out.key("instances").begin_array();
    for (auto& x : shown)
      write_host(out, key, x.effective, x.effective.healthy);
    out.end_array();
  }
  out.field("count", all.size()).end_object();
  return result_reply(out.view());
}

} // namespace

void add_naming_v2_routes(route_table& table) {
  constexpr auto family = api_family::naming_result;
  table["/v2/ns/instance"] = {
    family,  detail_v2, register_instance_call, update_instance_call, deregister_instance_call,
    patch_v2};
  table["/v2/ns/instance/list"] = {family, list_v2};
  table["/v2/ns/instance/beat"] = {.family = family, .put = beat_v2};
  table["/v2/ns/instance/statuses/*"] = {family, {statuses_v2, always}};
  table["/v2/ns/instance/metadata/batch"] = {
    .family = family, .put = put_metadata_call, .del = delete_metadata_call};
  table["/v2/ns/service"] = {family,
                             {get_service_v2, names_large_service},
                             create_service_call,
                             update_service_call,
                             delete_service_call};
  table["/v2/ns/service/list"] = {family, {list_services_v2, lists_long_page_v2}};
  table["/v2/ns/catalog/instances"] = {family, {catalog_instances_v2, catalogs_large_service}};
  table["/v2/ns/health"] = {.family = family, .put = put_health_call};
  table["/v2/ns/health/instance"] = {.family = family, .put = put_health_call};
}

} // namespace nacre
