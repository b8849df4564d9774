#include "protocol/beat.hpp"

#include <cmath>

#include "protocol/json_reader.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

bool read_metadata(const json_value& value, metadata_map& map) {
  if (!value || value.is_null())
    return true;
  if (!value.is_object())
    return false;
  metadata_map read;
  for (auto [key, entry] : value.members()) {
    if (entry.is_null())
      continue;
    auto text = entry.scalar_text();
    if (!text)
      return false;
    read.emplace_back(key, std::move(*text));
  }
  map = make_metadata(std::move(read));
  return true;
}

bool read_text(const json_value& value, std::string& text) {
  if (!value || value.is_null())
    return true;
  auto scalar = value.scalar_text();
  if (!scalar)
    return false;
  text = std::move(*scalar);
  return true;
}

/// Numbers also arrive as strings: Jackson takes both, and SDKs send both.
bool read_number(const json_value& value, double& number) {
  if (!value || value.is_null())
    return true;
  auto read = value.number();
  if (!read)
    if (auto text = value.string())
      read = parse_double(*text);
  if (!read)
    return false;
  number = *read;
  return true;
}

bool read_bool(const json_value& value, bool& flag) {
  if (!value || value.is_null())
    return true;
  auto read = value.boolean();
  if (!read)
    if (auto text = value.string())
      read = parse_strict_bool(*text);
  if (!read)
    return false;
  flag = *read;
  return true;
}

} // namespace

std::optional<beat_info> parse_beat(std::string_view json, std::string& reason) {
  json_document document(json);
  auto root = document.root();
  if (!root.is_object()) {
    reason = document.error().empty() ? "it is no object" : document.error();
    return std::nullopt;
  }
  beat_info beat;
  double port = 0;
  auto wrong_type = [](std::string_view field) {
    return std::string("wrong type of '").append(field).append("'");
  };
  auto wrong = [&](std::string_view field) {
    reason = wrong_type(field);
    return std::nullopt;
  };
  if (!read_text(root["ip"], beat.ip))
    return wrong("ip");
  if (!read_number(root["port"], port) || !(std::abs(port) < 1e9))
    return wrong("port");
  beat.port = static_cast<std::int32_t>(port);
  if (!read_text(root["cluster"], beat.cluster))
    return wrong("cluster");
  if (!read_text(root["serviceName"], beat.service_name))
    return wrong("serviceName");
  // The rest counts only for an instance that is not there yet.
  auto unfit = [&](std::string_view field) {
    beat.unfit = "Param 'beat' is illegal: " + wrong_type(field);
  };
  if (!read_number(root["weight"], beat.weight))
    unfit("weight");
  else if (!read_bool(root["ephemeral"], beat.ephemeral))
    unfit("ephemeral");
  else if (!read_metadata(root["metadata"], beat.metadata))
    unfit("metadata");
  else if (!beat.ephemeral)
    beat.unfit = "a persistent instance is not kept by beats, register it";
  return beat;
}

std::string beat_answer(std::uint32_t interval_ms, int code, bool light_beat_enabled) {
  std::string text;
  text.reserve(96);
  text.append("{\"clientBeatInterval\":")
    .append(std::to_string(interval_ms))
    .append(",\"code\":")
    .append(std::to_string(code));
  return text.append(",\"lightBeatEnabled\":").append(light_beat_enabled ? "true}" : "false}");
}

} // namespace nacre
