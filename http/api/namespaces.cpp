// Namespaces of /v1, /v2 and /v3 (Nacos `NamespaceController`).
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

void write(json_writer& out, const namespace_record& x, int type) {
  out.begin_object()
    .field("namespace", x.id)
    .field("namespaceShowName", x.name)
    .field("namespaceDesc", x.description)
    .field("quota", 200)
    .field("configCount", 0)
    .field("type", type)
    .end_object();
}

/// The public namespace has the id `""` in the consoles of 1.x and 2.x, `public` in 3.x.
namespace_record public_namespace(bool v3) {
  return {v3 ? "public" : "", "public", "Default Namespace"};
}

std::string namespaces_json(const http_call& c, bool v3) {
  json_writer out;
  out.begin_array();
  write(out, public_namespace(v3), 0);
  for (auto& x : c.context().tables.store.namespaces())
    write(out, x, 2);
  out.end_array();
  return out.take();
}

std::string new_uuid(const std::function<std::uint32_t()>& random) {
  char text[40];
  auto word = [&] { return static_cast<unsigned>(random()); };
  auto a = word(), b = word(), d = word(), e = word();
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-%04x-%04x%08x", a, b >> 16, b & 0xFFFu,
                0x8000u | (d & 0x3FFFu), d >> 16, e);
  return text;
}

/// Nothing if id and name may be used, else the recorded complaint.
complaint check_namespace(std::string_view id, std::string_view name) {
  constexpr std::size_t id_max = 128;
  if (id.size() > id_max)
    return "too long namespaceId, over 128";
  for (char x : id)
    if (!std::isalnum(static_cast<unsigned char>(x)) && x != '_' && x != '-')
      return "namespaceId [" + shortened(id, 64) + "] mismatch the pattern";
  if (name.size() > 256 || name.find_first_of("@#$%^&*") != std::string_view::npos)
    return "namespaceName [" + shortened(name, 64) + "] contains illegal char";
  return std::nullopt;
}

std::optional<reply> get_namespaces_v1(http_call& c) {
  auto& store = c.context().tables.store;
  if (equals_ignore_case(c.optional("checkNamespaceIdExist"), "true"))
    return json_reply(store.find_namespace(c.optional("customNamespaceId")) ? "true" : "false");
  if (c.optional("show") != "all")
    return rest_result_reply(namespaces_json(c, false));
  auto id = c.optional("namespaceId");
  auto found = id.empty() ? std::optional(public_namespace(false)) : store.find_namespace(id);
  if (!found)
    return text_error(500, "caused: namespaceId [ " + shortened(id, 128) + " ] not exist;");
  json_writer out;
  write(out, *found, id.empty() ? 0 : 2);
  return json_reply(out.take());
}

std::optional<reply> put_namespace_v1(http_call& c, std::string_view id, std::string_view name,
                                      bool must_exist) {
  auto new_id = id.empty() && !must_exist ? new_uuid(c.env.random) : std::string(id);
  if (check_namespace(new_id, name))
    return json_reply("false");
  auto answer = c.later([](const outcome& result) {
    if (result.code == ec::unavailable || result.code == ec::limit_reached)
      return failure_v1(result);
    return json_reply(result.ok() ? "true" : "false");
  });
  namespace_record record{std::move(new_id), std::string(name),
                          shortened(c.optional("namespaceDesc"), 1024)};
  caf::anon_send(c.context().actors.metadata.get(),
                 put_namespace{std::move(record), must_exist, std::move(answer)});
  return std::nullopt;
}

std::optional<reply> create_namespace_v1(http_call& c) {
  return put_namespace_v1(c, c.optional("customNamespaceId"), c.required("namespaceName"), false);
}

std::optional<reply> update_namespace_v1(http_call& c) {
  auto id = c.required("namespace"); // said first if both are missing
  return put_namespace_v1(c, id, c.required("namespaceShowName"), true);
}

std::optional<reply> delete_namespace_v1(http_call& c) {
  auto answer = c.later(
    [](const outcome& result) { return result.ok() ? json_reply("true") : failure_v1(result); });
  caf::anon_send(c.context().actors.metadata.get(),
                 delete_namespace{std::string(c.required("namespaceId")), std::move(answer)});
  return std::nullopt;
}

/// v2 and v3 say what is missing in their own words.
std::string_view required_result(const http_call& c, std::string_view key, bool may_be_blank) {
  auto value = c.params.find(key);
  if (!value || (!may_be_blank && is_blank(*value)))
    throw refusal{result_error(400, result_code::parameter_missing,
                               "required parameter '" + std::string(key) + "' is missing")};
  return trim(*value);
}

template <bool V3>
std::optional<reply> list_namespaces_result(http_call& c) {
  return result_reply(namespaces_json(c, V3));
}

template <bool V3>
std::optional<reply> get_namespace_result(http_call& c) {
  auto id = required_result(c, "namespaceId", true);
  bool is_public = id.empty() || id == default_namespace;
  auto found =
    is_public ? std::optional(public_namespace(V3)) : c.context().tables.store.find_namespace(id);
  if (!found)
    return result_error(404, result_code::namespace_not_exist,
                        "namespaceId [ " + shortened(id, 128) + " ] not exist");
  json_writer out;
  write(out, *found, is_public ? 0 : 2);
  return result_reply(out.view());
}

reply true_or_failure(const outcome& result) {
  return result.ok() ? result_reply("true") : failure_result(result);
}

std::optional<reply> put_namespace_result(http_call& c, bool must_exist) {
  // The v3 admin API calls a chosen id of a new namespace `customNamespaceId`.
  auto custom = c.params.find("customNamespaceId");
  auto id = custom && !must_exist ? trim(*custom) : required_result(c, "namespaceId", !must_exist);
  auto name = required_result(c, "namespaceName", false);
  auto new_id = id.empty() ? new_uuid(c.env.random) : std::string(id);
  if (auto complaint = check_namespace(new_id, name))
    return result_error(400, result_code::illegal_namespace, *complaint);
  namespace_record record{std::move(new_id), std::string(name),
                          shortened(c.optional("namespaceDesc"), 1024)};
  caf::anon_send(c.context().actors.metadata.get(),
                 put_namespace{std::move(record), must_exist, c.later(true_or_failure)});
  return std::nullopt;
}

std::optional<reply> create_namespace_result(http_call& c) {
  return put_namespace_result(c, false);
}
std::optional<reply> update_namespace_result(http_call& c) { return put_namespace_result(c, true); }

std::optional<reply> delete_namespace_result(http_call& c) {
  auto id = required_result(c, "namespaceId", false);
  caf::anon_send(c.context().actors.metadata.get(),
                 delete_namespace{std::string(id), c.later(true_or_failure)});
  return std::nullopt;
}

std::optional<reply> check_namespace_v3(http_call& c) {
  auto custom = c.optional("customNamespaceId", c.optional("namespaceId"));
  return result_reply(c.context().tables.store.find_namespace(custom) ? "1" : "0");
}

bool has_many_namespaces(const http_call& c) {
  return c.context().tables.store.namespaces_count() > 500;
}

/// 2.x and 3.x differ in the id of the public namespace.
template <bool V3>
void add_result_routes(route_table& table, std::initializer_list<std::string_view> paths) {
  for (auto path : paths) {
    constexpr auto core = api_family::core;
    auto list = path.ends_with("/list");
    table[path] = list ? route{core, {list_namespaces_result<V3>, has_many_namespaces}}
                       : route{core, get_namespace_result<V3>, create_namespace_result,
                               update_namespace_result, delete_namespace_result};
  }
}

} // namespace

void add_namespace_routes(route_table& table) {
  constexpr auto core = api_family::core;
  table["/v1/console/namespaces"] = {core,
                                     {get_namespaces_v1, has_many_namespaces},
                                     create_namespace_v1,
                                     update_namespace_v1,
                                     delete_namespace_v1};
  add_result_routes<false>(table, {"/v2/console/namespace", "/v2/console/namespace/list"});
  add_result_routes<true>(table, {"/v3/admin/core/namespace", "/v3/admin/core/namespace/list",
                                  "/v3/console/core/namespace", "/v3/console/core/namespace/list"});
  table["/v3/admin/core/namespace/check"] = {core, check_namespace_v3};
}

} // namespace nacre
