// /nacre/admin: what the node is doing, told by the actors themselves.
#include "actors/distro/cluster_report.hpp"
#include "actors/distro/service_survey.hpp"
#include "http/api/admin_call.hpp"
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

reply report_or_error(const outcome& result) {
  if (result.ok())
    return json_reply(result.text);
  auto x = json_reply("");
  json_writer out;
  out.begin_object().field("error", result.text).end_object();
  x.body = out.take();
  x.status = result.code == ec::unavailable ? 503 : result.code == ec::illegal_value ? 400 : 404;
  return x;
}

service_ref named_service(const http_call& c, std::string_view key) {
  auto text = c.optional(key);
  auto parts = split_grouped_name(text);
  if (parts.name.empty())
    return nullptr;
  if (text.find("@@") == std::string_view::npos)
    parts.group = c.optional("groupName", default_group);
  return make_service_ref({c.namespace_id(), parts.group, parts.name});
}

namespace {

std::optional<reply> list_actors(http_call& c) {
  inspect request;
  request.kind = c.optional("kind");
  request.key = c.optional("key");
  if (auto parent = c.optional("parent"); !parent.empty()) {
    auto id = parse_int64(parent);
    if (!id || *id < 0)
      return report_or_error({ec::illegal_value, "an actor's id is a number"});
    request.parent = static_cast<std::uint64_t>(*id);
  }
  request.offset = static_cast<std::size_t>(std::max(c.int_or("offset", 0), 0));
  request.limit = static_cast<std::size_t>(std::clamp(c.int_or("limit", 1'000), 0, 10'000));
  request.answer = c.later(report_or_error);
  caf::anon_send(c.context().actors.inspector.get(), std::move(request));
  return std::nullopt;
}

std::string_view last_segment(const http_call& c) {
  return c.request.uri.substr(c.request.uri.rfind('/') + 1);
}

std::optional<reply> show_actor(http_call& c) {
  auto id = parse_int64(last_segment(c));
  if (!id || *id < 0)
    return report_or_error({ec::illegal_value, "an actor's id is a number"});
  inspect request;
  request.id = static_cast<std::uint64_t>(*id);
  request.answer = c.later(report_or_error);
  caf::anon_send(c.context().actors.inspector.get(), std::move(request));
  return std::nullopt;
}

/// `/nacre/admin/services/{[namespace@@]group@@name}/history`
std::optional<reply> show_history(http_call& c) {
  auto path = c.request.uri;
  path.remove_suffix(std::string_view("/history").size());
  parameters decoded;
  if (!decoded.add_urlencoded("key=" + std::string(path.substr(path.rfind('/') + 1))))
    return report_or_error({ec::illegal_value, "broken escape in the path"});
  auto text = decoded.find("key").value_or("");
  auto ns = c.namespace_id();
  if (auto first = text.find("@@"); first != text.npos && text.find("@@", first + 2) != text.npos) {
    ns = text.substr(0, first);
    text = text.substr(first + 2);
  }
  auto parts = split_grouped_name(text);
  json_writer out;
  out.begin_object()
    .field("namespaceId", ns)
    .field("service", service_key_view{ns, parts.group, parts.name}.grouped_name())
    .key("events")
    .begin_array();
  for (auto& x : c.context().tables.history.events({ns, parts.group, parts.name})) {
    out.begin_object()
      .field("at", to_ms(x.at))
      .field("what", to_string(x.what))
      .field("why", to_string(x.why))
      .field("client", x.who ? x.who->client.to_string() : std::string());
    if (x.by)
      out.field("by", *x.by);
    out.end_object();
  }
  out.end_array().end_object();
  return json_reply(out.take());
}

std::optional<reply> show_cluster(http_call& c) {
  auto& cluster = c.context().cluster;
  if (!cluster)
    return json_reply(R"({"mode":"standalone"})");
  json_writer out;
  write_cluster(out, *cluster, c.context().clock.steady());
  return json_reply(out.take());
}

/// What every node holds of one service, against what this one does.
std::optional<reply> show_differences(http_call& c) {
  auto service = named_service(c, "service");
  if (!service)
    return report_or_error({ec::illegal_value, "the parameter 'service' is missing"});
  if (!c.context().cluster)
    return json_reply(R"({"mode":"standalone","equal":true})");
  survey_service(c.context(), service, c.later(report_or_error), c.context().clock.steady());
  return std::nullopt;
}

} // namespace

void add_admin_routes(route_table& table) {
  constexpr auto admin = api_family::admin;
  table["/nacre/admin/actors"] = {admin, list_actors};
  table["/nacre/admin/actors/*"] = {admin, show_actor};
  table["/nacre/admin/services/*/history"] = {admin, show_history};
  table["/nacre/admin/cluster"] = {admin, show_cluster};
  table["/nacre/admin/cluster/diff"] = {admin, {show_differences, always}};
}

} // namespace nacre
