#include "protocol/switch_domain.hpp"

#include <algorithm>

#include "protocol/client_agent.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

using error_text = std::optional<std::string>;

std::string not_a_number(std::string_view value) {
  return "For input string: \"" + shortened(value, 64) + '"';
}

template <class Integer>
error_text set_number(Integer& field, std::string_view value, std::int64_t least,
                      std::string_view complaint) {
  std::optional<Integer> number;
  if constexpr (sizeof(Integer) == 4)
    number = parse_int32(value);
  else
    number = parse_int64(value);
  if (!number)
    return not_a_number(value);
  if (*number < least)
    return std::string(complaint);
  field = *number;
  return std::nullopt;
}

constexpr auto any_number = INT64_MIN;

error_text set_check_params(switch_domain::check_params& field, std::string_view value,
                            bool checked) {
  json_document document(value);
  auto root = document.root();
  auto max = root["max"].number();
  auto min = root["min"].number();
  auto factor = root["factor"].number();
  if (!max || !min || !factor || !(*max >= -1e9 && *max <= 1e9) || !(*min >= -1e9 && *min <= 1e9))
    return "json param invalid.";
  if (checked && *min < 500)
    return "min check time for http or tcp is too small(<500)";
  if (checked && *max < 3000)
    return "max check time for http or tcp is too small(<3000)";
  if (checked && (*factor < 0 || *factor > 1))
    return "malformed factor";
  field = {static_cast<std::int32_t>(*max), static_cast<std::int32_t>(*min), *factor};
  return std::nullopt;
}

error_text set_push_version(switch_domain& x, std::string_view value) {
  auto colon = value.find(':');
  auto type = value.substr(0, colon);
  auto version = colon == std::string_view::npos ? "" : value.substr(colon + 1);
  if (!parse_version(version))
    return "illegal version, must match: [0-9]+\\.[0-9]+\\.[0-9]+";
  if (type == "java")
    x.push_java_version = version;
  else if (type == "python")
    x.push_python_version = version;
  else if (type == "c")
    x.push_c_version = version;
  else if (type == "go")
    x.push_go_version = version;
  else if (type == "csharp")
    x.push_csharp_version = version;
  else
    return "unsupported client type: " + shortened(type, 64);
  return std::nullopt;
}

error_text set_limited_urls(switch_domain& x, std::string_view value) {
  if (is_blank(value))
    return std::nullopt;
  constexpr std::size_t entries_max = 1000;
  std::map<std::string, int> urls;
  for (auto entry : split(value, ',')) {
    auto parts = split(entry, ':');
    if (parts.size() != 2 || is_blank(parts[0]) || is_blank(parts[1]) || urls.size() == entries_max)
      return "invalid input for limited urls";
    auto status = parse_int32(trim(parts[1]));
    if (!status)
      return not_a_number(parts[1]);
    // A status below 400 would turn a refusal into an answer; no HTTP status is above 599.
    if (*status < 400 || *status > 599)
      return "illegal normal status code: " + std::to_string(*status);
    urls[std::string(trim(parts[0]))] = *status;
  }
  x.limited_urls = std::move(urls);
  return std::nullopt;
}

error_text set_status(switch_domain& x, std::string_view value) {
  if (value == "null") {
    x.overridden_server_status = "";
    return std::nullopt;
  }
  for (auto known : {"STARTING", "UP", "DOWN", "PAUSED", "WRITE_ONLY", "READ_ONLY"})
    if (value == known) {
      x.overridden_server_status = value;
      return std::nullopt;
    }
  return "No enum constant ServerStatus." + shortened(value, 64);
}

/// For switches that do something in the reference and nothing here: what they are already may be
/// set, and a bad value is told as such.
template <class Field, class Set>
error_text keep(const Field& field, Set set, std::string_view entry) {
  auto wanted = field;
  if (auto complaint = set(wanted))
    return complaint;
  if (wanted == field)
    return std::nullopt;
  return "the switch '" + std::string(entry)
         + "' has no effect in this version, so it keeps its value";
}

error_text set_bool(bool& field, std::string_view value) {
  field = equals_ignore_case(value, "true");
  return std::nullopt;
}

error_text set_threshold(switch_domain& x, std::string_view value) {
  auto number = parse_double(value);
  if (!number)
    return not_a_number(value);
  if (!(*number > 0))
    return "distroThreshold can not be zero or negative: " + shortened(value, 64);
  x.distro_threshold = *number;
  return std::nullopt;
}

error_text set_masters(switch_domain& x, std::string_view value) {
  x.masters.emplace();
  for (auto master : split(value, ','))
    x.masters->emplace_back(master);
  return std::nullopt;
}

/// Nacos has the list, and no way to set it.
error_text set_white_list(switch_domain& x, std::string_view value) {
  x.health_check_white_list.clear();
  for (auto service : split(value, ','))
    if (!service.empty())
      x.health_check_white_list.emplace(service);
  return std::nullopt;
}

using setter = error_text (*)(switch_domain&, std::string_view);

struct entry_row {
  std::string_view name;
  setter set;
};

constexpr entry_row entries[] = {
  {"masters", set_masters},
  {"pushCacheMillis",
   [](switch_domain& x, std::string_view v) {
     return set_number(x.default_push_cache_millis, v, 10'000,
                       "min cache time for http or tcp is too small(<10000)");
   }},
  {"defaultCacheMillis",
   [](switch_domain& x, std::string_view v) {
     return set_number(x.default_cache_millis, v, 1'000,
                       "min default cache time  is too small(<1000)");
   }},
  {"clientBeatInterval",
   [](switch_domain& x, std::string_view v) {
     return set_number(x.client_beat_interval, v, any_number, "");
   }},
  {"distroThreshold", set_threshold},
  {"check",
   [](switch_domain& x, std::string_view v) { return set_bool(x.health_check_enabled, v); }},
  {"autoChangeHealthCheckEnabled",
   [](switch_domain& x, std::string_view v) {
     return set_bool(x.auto_change_health_check_enabled, v);
   }},
  {"distro",
   [](switch_domain& x, std::string_view v) {
     return keep(
       x.distro_enabled, [&](bool& to) { return set_bool(to, v); }, "distro");
   }},
  {"pushEnabled", [](switch_domain& x, std::string_view v) { return set_bool(x.push_enabled, v); }},
  {"healthCheckTimes",
   [](switch_domain& x, std::string_view v) {
     return set_number(x.check_times, v, any_number, "");
   }},
  {"healthCheckWhiteList", set_white_list},
  {"httpHealthParams",
   [](switch_domain& x, std::string_view v) { return set_check_params(x.http_health, v, true); }},
  {"tcpHealthParams",
   [](switch_domain& x, std::string_view v) { return set_check_params(x.tcp_health, v, true); }},
  {"mysqlHealthParams",
   [](switch_domain& x, std::string_view v) { return set_check_params(x.mysql_health, v, false); }},
  {"serverStatusSynchronizationPeriodMillis",
   [](switch_domain& x, std::string_view v) {
     return set_number(x.server_status_sync_period_millis, v, 1'000,
                       "serverStatusSynchronizationPeriodMillis is too small(<15000)");
   }},
  {"serviceStatusSynchronizationPeriodMillis",
   [](switch_domain& x, std::string_view v) {
     return set_number(x.service_status_sync_period_millis, v, 5'000,
                       "serviceStatusSynchronizationPeriodMillis is too small(<5000)");
   }},
  {"disableAddIP",
   [](switch_domain& x, std::string_view v) { return set_bool(x.disable_add_ip, v); }},
  {"sendBeatOnly",
   [](switch_domain& x, std::string_view v) { return set_bool(x.send_beat_only, v); }},
  {"lightBeatEnabled",
   [](switch_domain& x, std::string_view v) { return set_bool(x.light_beat_enabled, v); }},
  {"defaultInstanceEphemeral",
   [](switch_domain& x, std::string_view v) { return set_bool(x.default_instance_ephemeral, v); }},
  {"limitedUrlMap", set_limited_urls},
  {"distroServerExpiredMillis",
   [](switch_domain& x, std::string_view v) {
     return set_number(x.distro_server_expired_millis, v, any_number, "");
   }},
  {"pushVersion", set_push_version},
  {"overriddenServerStatus", set_status},
};

void write(json_writer& out, const switch_domain::check_params& x) {
  out.begin_object().field("max", x.max).field("min", x.min).field("factor", x.factor).end_object();
}

} // namespace

std::optional<std::string> switch_domain::set(std::string_view entry, std::string_view value) {
  constexpr std::size_t bytes_max = 64 * 1024; // it is kept, and copied with every change
  if (value.size() > bytes_max)
    return "the value is longer than " + std::to_string(bytes_max) + " bytes";
  if (entry.size() > bytes_max)
    return "the name of the switch is longer than " + std::to_string(bytes_max) + " bytes";
  auto row = std::find_if(std::begin(entries), std::end(entries),
                          [&](const entry_row& x) { return x.name == entry; });
  return row == std::end(entries) ? std::nullopt : row->set(*this, value);
}

void write(json_writer& out, const switch_domain& x, switch_names names) {
  out.begin_object().field("name", "00-00---000-NACOS_SWITCH_DOMAIN-000---00-00");
  if (x.masters) {
    out.key("masters").begin_array();
    for (auto& master : *x.masters)
      out.string(master);
    out.end_array();
  } else {
    out.null_field("masters");
  }
  out.key("adWeightMap").begin_object().end_object();
  out.field("defaultPushCacheMillis", x.default_push_cache_millis)
    .field("clientBeatInterval", x.client_beat_interval)
    .field("defaultCacheMillis", x.default_cache_millis)
    .field("distroThreshold", x.distro_threshold)
    .field("healthCheckEnabled", x.health_check_enabled)
    .field("autoChangeHealthCheckEnabled", x.auto_change_health_check_enabled)
    .field("distroEnabled", x.distro_enabled)
    .field("enableStandalone", true)
    .field("pushEnabled", x.push_enabled)
    .field("checkTimes", x.check_times);
  write(out.key("httpHealthParams"), x.http_health);
  write(out.key("tcpHealthParams"), x.tcp_health);
  write(out.key("mysqlHealthParams"), x.mysql_health);
  out.key("incrementalList").begin_array().end_array();
  out.field("serverStatusSynchronizationPeriodMillis", x.server_status_sync_period_millis)
    .field("serviceStatusSynchronizationPeriodMillis", x.service_status_sync_period_millis)
    .field("disableAddIP", x.disable_add_ip)
    .field("sendBeatOnly", x.send_beat_only)
    .field("lightBeatEnabled", x.light_beat_enabled)
    .field("defaultInstanceEphemeral", x.default_instance_ephemeral);
  out.key("healthCheckWhiteList").begin_array();
  for (auto& service : x.health_check_white_list)
    out.string(service);
  out.end_array();
  out.key("limitedUrlMap").begin_object();
  for (auto& [url, status] : x.limited_urls)
    out.field(url, status);
  out.end_object();
  bool v3 = names == switch_names::v3;
  out.field("distroServerExpiredMillis", x.distro_server_expired_millis)
    .field(v3 ? "pushVersionOfGo" : "pushGoVersion", x.push_go_version)
    .field(v3 ? "pushVersionOfJava" : "pushJavaVersion", x.push_java_version)
    .field(v3 ? "pushVersionOfPython" : "pushPythonVersion", x.push_python_version)
    .field(v3 ? "pushVersionOfC" : "pushCVersion", x.push_c_version)
    .field(v3 ? "pushVersionOfCsharp" : "pushCSharpVersion", x.push_csharp_version)
    .field("enableAuthentication", false);
  if (x.overridden_server_status)
    out.field("overriddenServerStatus", *x.overridden_server_status);
  else
    out.null_field("overriddenServerStatus");
  out.null_field("checksum").end_object();
}

} // namespace nacre
