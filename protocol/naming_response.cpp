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

message_body success_body(message_body more) {
  bool is_empty = more.empty();
  more.text.insert(0, "{\"resultCode\":200,\"errorCode\":0,");
  more.end().append(is_empty ? "\"success\":true}" : ",\"success\":true}");
  return more;
}

message_body request_body(std::uint64_t id, std::string_view module, message_body more) {
  std::string head = "{\"headers\":{},\"requestId\":\"";
  head.append(std::to_string(id)).append("\",\"module\":\"").append(module).append("\"");
  if (!more.empty())
    head.append(",");
  more.text.insert(0, head);
  more.end().append("}");
  return more;
}

std::string json_field(std::string_view key, std::string_view text) {
  json_writer out;
  out.begin_object().field(key, text).end_object();
  return without_braces(out);
}

message_body service_info_field(const service_info& x) {
  json_writer head;
  head.begin_object()
    .field("name", x.key.name)
    .field("groupName", x.key.group)
    .field("clusters", x.clusters)
    .end_object();
  constexpr std::size_t copied_max = 1'024; // to copy them costs less than to share them
  constexpr std::size_t other_bytes = 384;
  bool shares = x.hosts && x.hosts->size() > copied_max;
  message_body json;
  json.text.reserve(head.size() + other_bytes + (x.hosts && !shares ? x.hosts->size() : 0));
  json.text.append("\"serviceInfo\":")
    .append(head.view().substr(0, head.size() - 1))
    .append(",\"cacheMillis\":")
    .append(std::to_string(x.cache_millis))
    .append(",\"hosts\":");
  if (shares)
    json.shared = x.hosts;
  else
    json.text.append(x.hosts ? std::string_view(*x.hosts) : "[]");
  json.end()
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
