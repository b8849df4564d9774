#include "protocol/host_json.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/json_writer.hpp"

namespace nacre {

namespace {

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_text(std::string& out, std::string_view text) {
  if (std::none_of(text.begin(), text.end(), needs_escape)) {
    out.append(1, '"').append(text).append(1, '"');
    return;
  }
  json_writer writer;
  writer.string(text);
  out.append(writer.view());
}

void append_bool(std::string& out, std::string_view key, bool x) {
  out.append(key).append(x ? "true" : "false");
}

void append_weight(std::string& out, double x) {
  if (x == 1.0) {
    out.append("1.0");
    return;
  }
  json_writer writer;
  writer.real(x);
  out.append(writer.view());
}

void append_port(std::string& out, std::uint16_t port) {
  char digits[8];
  auto end = std::to_chars(digits, digits + sizeof digits, port).ptr;
  out.append(digits, end);
}

/// `"metadata":…` to the end of the instance.
std::string rendered(const metadata_map& metadata) {
  json_writer out;
  out.begin_object();
  write_metadata_members(out, metadata);
  out.end_object();
  return out.take().substr(1); // it is no object of its own
}

} // namespace

void write_metadata_members(json_writer& out, const metadata_map& metadata) {
  auto terms = lease_terms_of(metadata);
  write(out.key("metadata"), metadata);
  out.field("instanceHeartBeatInterval", terms.beat_interval_ms)
    .field("instanceHeartBeatTimeOut", terms.beat_timeout_ms)
    .field("ipDeleteTimeout", terms.delete_timeout_ms);
  // The real server has this getter answer null once there is any metadata without the key.
  if (metadata.empty())
    out.field("instanceIdGenerator", "simple");
  else if (auto generator = find_metadata(metadata, "preserved.instance.id.generator"))
    out.field("instanceIdGenerator", *generator);
}

host_json::host_json(const service_key_view& service)
  : service_(service), metadata_part_(rendered({})) {
  service_part_ = ",\"serviceName\":";
  append_text(service_part_, service.grouped_name());
  service_part_ += ',';
}

void host_json::append(std::string& out, const instance& x, bool shown_healthy) {
  if (x.metadata != metadata_) {
    metadata_ = x.metadata;
    metadata_part_ = rendered(metadata_);
  }
  out += '{';
  if (x.generator != id_generator::none) {
    out += "\"instanceId\":";
    append_text(out, x.instance_id(service_));
    out += ',';
  }
  out += "\"ip\":";
  append_text(out, x.ip);
  out += ",\"port\":";
  append_port(out, x.port);
  out += ",\"weight\":";
  append_weight(out, x.weight);
  append_bool(out, ",\"healthy\":", shown_healthy);
  append_bool(out, ",\"enabled\":", x.enabled);
  append_bool(out, ",\"ephemeral\":", x.ephemeral);
  out += ",\"clusterName\":";
  append_text(out, x.cluster_name);
  out.append(service_part_).append(metadata_part_);
}

} // namespace nacre
