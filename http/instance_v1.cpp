// /v1/ns/instance: what 1.x clients live on (Nacos `InstanceController`).
#include "http/instance_form.hpp"
#include "http/naming_result.hpp"
#include "http/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

reply refuse_404(std::string_view text) { return text_error(404, text); }
reply refuse_400(std::string_view text) { return text_error(400, text); }

reply ok_or_failure(const outcome& result) {
  return result.ok() ? text_reply("ok") : failure_v1(result);
}

service_key_view key_of(const call& c) {
  c.required("serviceName");
  return {c.namespace_id(), c.v1_service.group, c.v1_service.name};
}

std::optional<reply> register_v1(call& c) {
  send_register(c, read_v1_form(c), change_reason::request, c.later(ok_or_failure));
  return std::nullopt;
}

std::optional<reply> deregister_v1(call& c) {
  send_deregister(c, read_v1_form(c), c.later(ok_or_failure));
  return std::nullopt;
}

std::optional<reply> update_v1(call& c) {
  auto form = read_v1_form(c);
  if (!find_listed(c, form.service->view())) {
    auto& key = *form.service;
    return text_error(400, "service not found, namespace: " + key.namespace_id
                             + ", service: Service{namespace='" + key.namespace_id + "', group='"
                             + key.group + "', name='" + key.name + "', ephemeral="
                             + (form.what.ephemeral ? "true" : "false") + ", revision=0}");
  }
  send_overlay(c, form, c.later(ok_or_failure));
  return std::nullopt;
}

std::optional<reply> patch_v1(call& c) {
  auto key = key_of(c);
  auto port = c.required_int("port");
  instance_form form;
  form.service = make_service_ref(key);
  auto cluster = c.first_of({"clusterName", "cluster"}, default_cluster);
  form.what = find_or_refuse(c, key, c.required("ip"), static_cast<std::uint16_t>(port), cluster,
                             refuse_404);
  auto overlays = c.context().store.overlays(key);
  auto known = overlays ? overlays->find(form.what.metadata_id()) : overlay_table::const_iterator{};
  if (c.params.find("metadata"))
    form.what.metadata = read_metadata(c, refuse_400);
  else
    form.what.metadata = overlays && known != overlays->end() ? known->second.metadata
                                                              : metadata_map{};
  if (auto weight = c.optional("weight"); !weight.empty()) {
    auto number = parse_double(weight);
    if (!number)
      return text_error(400, "For input string: \"" + shortened(weight, 64) + '"');
    form.what.weight = *number;
  }
  if (auto enabled = c.optional("enabled"); !enabled.empty())
    form.what.enabled = parse_lenient_bool(enabled);
  form.what.generator = id_generator::simple; // v1: text errors
  send_overlay(c, form, c.later(ok_or_failure));
  return std::nullopt;
}

std::optional<reply> change_metadata_batch(call& c, bool remove) {
  auto key = key_of(c);
  c.required("metadata");
  auto batch = make_metadata_batch(c, key, read_metadata(c, refuse_400), remove);
  if (batch.changes.empty())
    return json_reply(std::move(batch.answer_json));
  auto answer = c.later([json = std::move(batch.answer_json)](const outcome& result) {
    return result.ok() ? json_reply(json) : failure_v1(result);
  });
  caf::anon_send(c.context().metadata.get(), put_overlays{make_service_ref(key),
                                                          std::move(batch.changes),
                                                          std::move(answer)});
  return std::nullopt;
}

std::optional<reply> put_metadata_v1(call& c) { return change_metadata_batch(c, false); }
std::optional<reply> delete_metadata_v1(call& c) { return change_metadata_batch(c, true); }

std::optional<reply> detail_v1(call& c) {
  auto key = key_of(c);
  auto ip = c.required("ip");
  auto port = c.required_int("port");
  auto x = find_or_refuse(c, key, ip, static_cast<std::uint16_t>(port),
                          c.optional("clusterName", default_cluster), refuse_404);
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

std::optional<reply> list_v1(call& c) {
  auto key = key_of(c);
  auto clusters = c.optional("clusters");
  bool healthy_only = equals_ignore_case(c.optional("healthyOnly"), "true");
  subscribe_by_query(c, key, clusters, c.optional("clientIP"), c.optional("udpPort"));
  auto list = list_of(c, key, {clusters, healthy_only, true});
  reply x;
  x.content_type = application_json;
  x.shared = list->json;
  x.shared_owner = std::move(list);
  return x;
}

std::optional<reply> beat_v1(call& c) {
  c.required("serviceName");
  return answer_beat(c, read_beat(c));
}

std::optional<reply> statuses_v1(call& c) {
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
  table["/v1/ns/instance"] = {family, detail_v1, register_v1, update_v1, deregister_v1, patch_v1};
  table["/v1/ns/instance/metadata/batch"]
    = {.family = family, .put = put_metadata_v1, .del = delete_metadata_v1};
  table["/v1/ns/instance/list"] = {.family = family, .get = list_v1};
  table["/v1/ns/instance/beat"] = {.family = family, .put = beat_v1};
  table["/v1/ns/instance/statuses"] = {.family = family, .get = statuses_v1};
}

} // namespace nacre
