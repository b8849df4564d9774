// /v3/client/ns and /v3/admin/ns (Nacos `controllers/v3`).
#include "actors/naming/commands.hpp"
#include "http/api/instance_form.hpp"
#include "http/api/lists.hpp"
#include "http/api/service_json.hpp"
#include "http/api/writes.hpp"
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// A registration, or with `heartBeat=true` a light beat of an instance that is there.
std::optional<reply> register_or_beat_v3(http_call& c) {
  if (!c.form_bool_or("heartBeat", false))
    return register_instance_call(c);
  auto form = read_instance_form(c);
  auto answer = [](const outcome& result) {
    // Recorded: 200 with an error code, upon which the client registers again.
    if (result.code == ec::lease_not_found)
      return result_error(200, result_code::instance_not_found, "");
    return done_reply(dialect::result, result);
  };
  client_id client{form.what.ip, form.what.port,
                   form.what.ephemeral ? client_kind::ephemeral : client_kind::persistent};
  auto renewed = naming::beat(c.context(), form.service, client,
                              [&](const renewal_result&) { return c.later(answer); });
  if (renewed.state == renewal::unhealthy)
    return std::nullopt;
  return answer({renewed.state == renewal::renewed ? ec::none : ec::lease_not_found, ""});
}

std::optional<reply> client_list_v3(http_call& c) {
  auto key = c.service();
  auto clusters = c.form_text_or("clusterName", default_cluster);
  auto list = list_of(c, key->view(), {clusters, false, true});
  return result_reply(list, {list->hosts()});
}

std::optional<reply> admin_list_v3(http_call& c) {
  auto key = c.service();
  auto view = find_listed(c, key->view());
  auto missing = [](const std::string& what) {
    return result_error(404, result_code::server_error, what + " is not found!");
  };
  if (!view)
    return missing("service " + key->grouped_name());
  auto clusters = c.form_text_or("clusterName", "");
  auto known = cluster_names(*view, true);
  for (auto cluster : split(clusters, ','))
    if (!std::binary_search(known.begin(), known.end(), cluster))
      return missing("cluster " + shortened(cluster, 64));
  json_writer out;
  out.begin_array();
  for (auto& x : view->select({clusters, c.form_bool_or("healthyOnly", false), false}).instances)
    write_host(out, key->view(), x.effective, x.effective.healthy);
  out.end_array();
  return result_reply(out.view());
}

std::optional<reply> admin_detail_v3(http_call& c) {
  auto key = c.service();
  auto ip = c.form_text("ip");
  auto port = c.form_int("port");
  auto x = find_or_refuse_instance(c, key->view(), ip, static_cast<std::uint16_t>(port),
                                   c.form_text_or("clusterName", default_cluster));
  json_writer out;
  write_host(out, key->view(), x, x.healthy);
  return result_reply(out.view());
}

std::optional<reply> partial_update_v3(http_call& c) {
  auto form = read_instance_form(c);
  auto& what = form.what;
  find_or_refuse_instance(c, form.service->view(), what.ip, what.port, what.cluster_name);
  send_override(c, form.service, what, c.later_done());
  return std::nullopt;
}

void write_hosts(json_writer& out, const service_key_view& key,
                 const std::vector<instance>& instances) {
  out.begin_array();
  for (auto& x : instances)
    write_host(out, key, x, x.healthy);
  out.end_array();
}

void write_service_v3(json_writer& out, const service_view& view, bool with_hosts) {
  std::map<std::string, std::vector<instance>> hosts;
  if (with_hosts)
    hosts = instances_by_cluster(view);
  out.begin_object()
    .field("namespaceId", view.key->namespace_id)
    .field("serviceName", view.key->name)
    .field("groupName", view.key->group)
    .key("clusterMap")
    .begin_object();
  for (auto& name : cluster_names(view, false)) {
    auto& cluster = cluster_of(view.metadata, name);
    out.key(name).begin_object().field("clusterName", name);
    write(out.key("healthChecker"), cluster.checker);
    out.field("healthyCheckPort", cluster.check_port)
      .field("useInstancePortForCheck", cluster.use_instance_port);
    write(out.key("metadata"), cluster.metadata);
    out.key("hosts");
    if (with_hosts)
      write_hosts(out, view.key->view(), hosts[name]);
    else
      out.null();
    out.end_object();
  }
  out.end_object();
  write(out.key("metadata"), metadata_of(view));
  out.field("protectThreshold", view.protect_threshold());
  write(out.key("selector"), selector_of(view));
  out.field("ephemeral", view.kind == service_kind::ephemeral).end_object();
}

std::optional<reply> get_service_v3(http_call& c) {
  auto key = c.service();
  json_writer out;
  write_service_v3(out, *find_or_refuse_service(c, key->view()), false);
  return result_reply(out.view());
}

/// Page number and size of a v3 list; below one is refused.
std::pair<std::int32_t, std::int32_t> read_page(const http_call& c) {
  auto page = c.form_int_or("pageNo", 1);
  auto size = c.form_int_or("pageSize", 100);
  if (page < 1 || size < 1)
    throw refusal{result_error(400, result_code::parameter_validate_error,
                               "pageNo and pageSize must be greater than 0")};
  return {page, std::min(size, page_size_max)};
}

std::optional<reply> list_services_v3(http_call& c) {
  auto [page, size] = read_page(c);
  auto ns = c.form_text_or("namespaceId", default_namespace);
  auto name_part = c.form_text_or("serviceNameParam", "");
  auto group_part = c.form_text_or("groupNameParam", "");
  bool with_instances = c.form_bool_or("withInstances", false);
  auto all =
    matching_services(c, ns, {name_part, group_part, c.form_bool_or("ignoreEmptyService", false)});
  auto shown = with_instances ? page_with_instances(c, all, page, size) : page_of(all, page, size);
  json_writer out;
  begin_page(out, all.size(), page, size);
  for (auto& view : shown)
    with_instances ? write_service_v3(out, *view, true) : write_summary(out, *view);
  out.end_array().end_object();
  return result_reply(out.view());
}

std::optional<reply> subscribers_v3(http_call& c) {
  auto [page, size] = read_page(c);
  auto key = c.service();
  return answer_subscribers(c, {key->namespace_id, key->group, key->name, false},
                            c.form_bool_or("aggregation", true),
                            [page = page, size = size](const auto& rows, const auto& incomplete) {
                              json_writer out;
                              begin_page(out, rows.size(), page, size);
                              for (auto& x : page_of(rows, page, size))
                                out.begin_object()
                                  .field("namespaceId", x.namespace_id)
                                  .field("groupName", x.group)
                                  .field("serviceName", x.service)
                                  .field("ip", x.ip)
                                  .field("port", x.port)
                                  .field("agent", x.agent)
                                  .field("appName", x.app)
                                  .field("address", x.address)
                                  .end_object();
                              out.end_array();
                              write_incomplete(out, incomplete);
                              out.end_object();
                              return out.take();
                            });
}

std::optional<reply> selector_types_v3(http_call&) { return result_reply(R"(["none","label"])"); }

std::optional<reply> checkers_v3(http_call&) { return result_reply(checkers_json()); }

} // namespace

void add_naming_v3_routes(route_table& table) {
  constexpr auto family = api_family::naming_result;
  table["/v3/client/ns/instance"] = {
    .family = family, .post = register_or_beat_v3, .del = deregister_instance_call};
  table["/v3/client/ns/instance/list"] = {family, client_list_v3};
  table["/v3/admin/ns/instance"] = {family, admin_detail_v3, register_instance_call,
                                    update_instance_call, deregister_instance_call};
  table["/v3/admin/ns/instance/partial"] = {.family = family, .put = partial_update_v3};
  table["/v3/admin/ns/instance/metadata/batch"] = {
    .family = family, .put = put_metadata_call, .del = delete_metadata_call};
  table["/v3/admin/ns/instance/list"] = {family, {admin_list_v3, names_large_service}};
  table["/v3/admin/ns/service"] = {family,
                                   {get_service_v3, names_large_service},
                                   create_service_call,
                                   update_service_call,
                                   delete_service_call};
  table["/v3/admin/ns/service/list"] = {family, {list_services_v3, always}};
  table["/v3/admin/ns/service/subscribers"] = {family, {subscribers_v3, names_large_service}};
  table["/v3/admin/ns/service/selector/types"] = {family, selector_types_v3};
  table["/v3/admin/ns/cluster"] = {.family = family, .put = put_cluster_call};
  table["/v3/admin/ns/health/instance"] = {.family = family, .put = put_health_call};
  table["/v3/admin/ns/health/checkers"] = {family, checkers_v3};
}

} // namespace nacre
