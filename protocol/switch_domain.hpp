#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json_writer.hpp"

namespace nacre {

/// The switches an operator turns at run time (Nacos `SwitchDomain`); a value type, replaced as a
/// whole. What has no effect in the reference either is kept and shown, as tools read it back;
/// what has one there and none here can't be changed.
struct switch_domain {
  struct check_params {
    std::int32_t max;
    std::int32_t min;
    double factor;
    friend bool operator==(const check_params&, const check_params&) = default;
  };

  std::optional<std::vector<std::string>> masters;
  std::int64_t default_push_cache_millis = 10'000;
  std::int64_t client_beat_interval = 5'000;
  std::int64_t default_cache_millis = 3'000;
  double distro_threshold = 0.7;
  bool health_check_enabled = true;
  bool auto_change_health_check_enabled = true;
  bool distro_enabled = true;
  bool push_enabled = true;
  std::int32_t check_times = 3;
  /// Services, `group@@name` in any namespace, that are checked though checks are switched off.
  std::set<std::string, std::less<>> health_check_white_list;
  check_params http_health{5000, 500, 0.85};
  check_params tcp_health{5000, 1000, 0.75};
  check_params mysql_health{3000, 2000, 0.65};
  std::int64_t server_status_sync_period_millis = 2'000;
  std::int64_t service_status_sync_period_millis = 5'000;
  bool disable_add_ip = false;
  bool send_beat_only = false;
  bool light_beat_enabled = true;
  bool default_instance_ephemeral = true;
  /// Prefix of `URI?query` → status the request gets.
  std::map<std::string, int> limited_urls;
  std::int64_t distro_server_expired_millis = 10'000;
  /// Lowest client version that gets UDP pushes, `major.minor.patch`.
  std::string push_java_version = "0.1.0";
  std::string push_python_version = "0.4.3";
  std::string push_c_version = "1.0.12";
  std::string push_go_version = "0.1.0";
  std::string push_csharp_version = "0.9.0";
  /// Overrides the status the node has by itself; null or empty: no override.
  std::optional<std::string> overridden_server_status;

  /// Changes one entry (Nacos `SwitchManager.update`). An unknown entry changes nothing.
  /// @returns the recorded error text for a bad value, nothing when all went well.
  std::optional<std::string> set(std::string_view entry, std::string_view value);
};

/// How the entries for client versions are called: `pushJavaVersion` up to 2.x, then
/// `pushVersionOfJava`.
enum class switch_names : std::uint8_t { v2, v3 };

void write(json_writer& out, const switch_domain& x, switch_names names = switch_names::v2);

} // namespace nacre
