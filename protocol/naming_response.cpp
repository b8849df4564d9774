#include "protocol/naming_response.hpp"

#include "protocol/json_writer.hpp"

namespace nacre {

namespace {

/// The fields of an object that was written whole.
std::string without_braces(const json_writer& out) {
  auto text = out.view();
  return std::string(text.substr(1, text.size() - 2));
}

std::string_view change_name(bool added) { return added ? "ADD_SERVICE" : "DELETE_SERVICE"; }

} // namespace

std::string failure_body(int result_code, int error_code, std::string_view message) {
  json_writer out;
  out.begin_object().field("resultCode", result_code).field("errorCode", error_code);
  if (!message.empty())
    out.field("message", message);
  out.field("success", false).end_object();
  return out.take();
}

std::string success_body(std::string_view more) {
  std::string body = "{\"resultCode\":200,\"errorCode\":0,";
  if (!more.empty())
    body.append(more).append(",");
  return body.append("\"success\":true}");
}

std::string request_body(std::uint64_t id, std::string_view module, std::string_view more) {
  std::string body = "{\"headers\":{},\"requestId\":\"";
  body.append(std::to_string(id)).append("\",\"module\":\"").append(module).append("\"");
  if (!more.empty())
    body.append(",").append(more);
  return body.append("}");
}

std::string json_field(std::string_view key, std::string_view text) {
  json_writer out;
  out.begin_object().field(key, text).end_object();
  return without_braces(out);
}

std::string service_info_json(const service_info& x) {
  json_writer head;
  head.begin_object()
    .field("name", x.key.name)
    .field("groupName", x.key.group)
    .field("clusters", x.clusters)
    .end_object();
  std::string json;
  json.reserve(head.size() + x.hosts.size() + 256);
  json.append(head.view().substr(0, head.size() - 1))
    .append(",\"cacheMillis\":")
    .append(std::to_string(x.cache_millis))
    .append(",\"hosts\":")
    .append(x.hosts)
    .append(",\"lastRefTime\":")
    .append(std::to_string(x.ref_time_ms))
    // 3.x renamed allIPs; each SDK wants its own.
    .append(",\"checksum\":\"\",\"allIPs\":false,\"allIps\":false,\"reachProtectionThreshold\":")
    .append(x.reaches_protection ? "true" : "false")
    .append(",\"valid\":true}");
  return json;
}

std::string watch_batch_fields(const watch_batch& x) {
  json_writer out;
  out.begin_object()
    .field("syncType", x.sync_type)
    .field("groupKeyPattern", x.pattern)
    .field("totalBatch", x.total)
    .field("currentBatch", x.current)
    .key("contexts")
    .begin_array();
  for (auto& change : x.changes)
    out.begin_object()
      .field("serviceKey", change.service_key)
      .field("changedType", change_name(change.added))
      .end_object();
  out.end_array().end_object();
  return without_braces(out);
}

std::string watch_change_fields(std::string_view service_key, bool added) {
  json_writer out;
  out.begin_object()
    .field("syncType", "FUZZY_WATCH_RESOURCE_CHANGED")
    .field("serviceKey", service_key)
    .field("changedType", change_name(added))
    .end_object();
  return without_braces(out);
}

} // namespace nacre
