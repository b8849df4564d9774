// /v1/ns/instance: what 1.x clients live on (Nacos `InstanceController`).
#include "http/api/beat.hpp"
#include "http/api/instance_form.hpp"
#include "http/api/lists.hpp"
#include "http/api/service_json.hpp"
#include "http/api/writes.hpp"
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

std::optional<reply> patch_v1(http_call& c) {
  auto service = c.service();
  auto key = service->view();
  auto port = c.required_int("port");
  auto cluster = c.first_of({"clusterName", "cluster"}, default_cluster);
  auto what =
    find_or_refuse_instance(c, key, c.required("ip"), static_cast<std::uint16_t>(port), cluster);
  auto overrides = c.context().tables.store.overrides(key);
  auto known = overrides ? overrides->find(what.metadata_id()) : override_table::const_iterator{};
  if (auto given = c.optional("metadata"); !given.empty() && given != "null")
    what.metadata = read_metadata(c);
  else
    what.metadata =
      overrides && known != overrides->end() ? known->second->metadata : metadata_map{};
  if (auto weight = c.optional("weight"); !weight.empty()) {
    auto number = parse_double(weight);
    if (!number)
      c.refuse_number(weight);
    what.weight = *number;
  }
  if (auto enabled = c.optional("enabled"); !enabled.empty())
    what.enabled = parse_lenient_bool(enabled);
  send_override(c, service, what, c.later_done());
  return std::nullopt;
}

std::optional<reply> detail_v1(http_call& c) {
  auto service = c.service();
  auto key = service->view();
  auto ip = c.required("ip");
  auto port = c.required_int("port");
  auto x = find_or_refuse_instance(c, key, ip, static_cast<std::uint16_t>(port),
                                   c.optional("clusterName", default_cluster));
  json_writer out;
  out.begin_object()
    .field("service", key.grouped_name())
    .field("ip", x.ip)
    .field("port", x.port)
    .field("clusterName", x.cluster_name)
    .field("weight", x.weight)
    .field("healthy", x.healthy)
    .key("instanceId");
  auto id = x.instance_id(key);
  id.empty() ? out.null() : out.string(id);
  write(out.key("metadata"), x.metadata);
  out.end_object();
  return json_reply(out.take());
}

std::optional<reply> list_v1(http_call& c) {
  c.required("serviceName");
  service_key_view key{c.namespace_id(), c.v1_service.group, c.v1_service.name};
  auto clusters = c.optional("clusters");
  bool healthy_only = equals_ignore_case(c.optional("healthyOnly"), "true");
  subscribe_by_query(c, key, clusters, c.optional("clientIP"), c.optional("udpPort"));
  auto list = list_of(c, key, {clusters, healthy_only, true});
  reply x;
  x.content_type = application_json;
  x.shared = list->parts();
  x.shared_owner = std::move(list);
  return x;
}

std::optional<reply> beat_v1(http_call& c) {
  c.required("serviceName");
  return answer_beat(c, read_beat(c));
}

std::optional<reply> statuses_v1(http_call& c) {
  auto text = c.required("key");
  auto mark = text.find("##");
  auto ns = mark == std::string_view::npos ? default_namespace : text.substr(0, mark);
  auto grouped = mark == std::string_view::npos ? text : text.substr(mark + 2);
  if (auto complaint = check_grouped_name(grouped))
    return text_error(400, *complaint);
  auto parts = split_grouped_name(grouped);
  return json_reply(statuses_json(c, {ns, parts.group, parts.name}));
}

} // namespace

void add_instance_v1_routes(route_table& table) {
  constexpr auto family = api_family::naming_v1;
  table["/v1/ns/instance"] = {
    family,  detail_v1, register_instance_call, update_instance_call, deregister_instance_call,
    patch_v1};
  table["/v1/ns/instance/metadata/batch"] = {
    .family = family, .put = put_metadata_call, .del = delete_metadata_call};
  table["/v1/ns/instance/list"] = {.family = family, .get = list_v1};
  table["/v1/ns/instance/beat"] = {.family = family, .put = beat_v1};
  table["/v1/ns/instance/statuses"] = {family, {statuses_v1, always}};
}

} // namespace nacre
