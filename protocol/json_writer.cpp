#include "protocol/json_writer.hpp"

#include <cmath>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "protocol/host_json.hpp"

namespace nacre {

struct json_writer::impl {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

json_writer::json_writer() : impl_(std::make_unique<impl>()) {}
json_writer::~json_writer() = default;

namespace {
auto size_of(std::string_view x) { return static_cast<rapidjson::SizeType>(x.size()); }
} // namespace

json_writer& json_writer::begin_object() {
  impl_->writer.StartObject();
  return *this;
}

json_writer& json_writer::end_object() {
  impl_->writer.EndObject();
  return *this;
}

json_writer& json_writer::begin_array() {
  impl_->writer.StartArray();
  return *this;
}

json_writer& json_writer::end_array() {
  impl_->writer.EndArray();
  return *this;
}

json_writer& json_writer::key(std::string_view name) {
  impl_->writer.Key(name.data(), size_of(name));
  return *this;
}

json_writer& json_writer::string(std::string_view x) {
  impl_->writer.String(x.empty() ? "" : x.data(), size_of(x));
  return *this;
}

json_writer& json_writer::integer(std::int64_t x) {
  impl_->writer.Int64(x);
  return *this;
}

json_writer& json_writer::real(double x) {
  if (std::isnan(x))
    return string("NaN");
  if (std::isinf(x))
    return string(x > 0 ? "Infinity" : "-Infinity");
  impl_->writer.Double(x);
  return *this;
}

json_writer& json_writer::boolean(bool x) {
  impl_->writer.Bool(x);
  return *this;
}

json_writer& json_writer::null() {
  impl_->writer.Null();
  return *this;
}

json_writer& json_writer::raw(std::string_view json) {
  impl_->writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
  return *this;
}

std::size_t json_writer::size() const { return impl_->buffer.GetSize(); }

std::string_view json_writer::view() const {
  return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}

void write(json_writer& out, const metadata_map& map) {
  out.begin_object();
  for (auto& [key, value] : map)
    out.field(key, value);
  out.end_object();
}

void write(json_writer& out, const selector& x) {
  out.begin_object();
  if (x.type == selector::kind::label) {
    out.field("type", "label").key("labels").begin_array();
    for (auto& label : x.labels)
      out.string(label);
    out.end_array().field("expression", x.expression).field("contextType", "CMDB");
  } else {
    out.field("type", "none").field("contextType", "NONE");
  }
  out.end_object();
}

void write(json_writer& out, const health_checker& x) {
  out.begin_object().field("type", to_string(x.type));
  if (x.type == health_checker::kind::http)
    out.field("path", x.path)
      .field("headers", x.headers)
      .field("expectedResponseCode", x.expected_response_code);
  if (x.type == health_checker::kind::mysql)
    out.field("user", x.user)
      .field("pwd", x.password.empty() ? "" : masked_password)
      .field("cmd", x.command);
  out.end_object();
}

void write_host(json_writer& out, const service_key_view& service, const instance& x,
                bool shown_healthy) {
  out.begin_object();
  if (x.generator != id_generator::none)
    out.field("instanceId", x.instance_id(service));
  out.field("ip", x.ip)
    .field("port", x.port)
    .field("weight", x.weight)
    .field("healthy", shown_healthy)
    .field("enabled", x.enabled)
    .field("ephemeral", x.ephemeral)
    .field("clusterName", x.cluster_name)
    .field("serviceName", service.grouped_name());
  write_metadata_members(out, x.metadata);
  out.end_object();
}

} // namespace nacre
