#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "protocol/agreed_command.hpp"
#include "protocol/switch_domain.hpp"

/// What readers see differently after a command that was agreed on; each holds what is there now.
/// Pure values, any thread.
namespace nacre::agreed {

struct overrides_changed {
  service_name service;
  /// Null if there is none left.
  override_table_ptr now;
};

struct metadata_changed {
  service_name service;
  service_metadata_ptr now;
  /// By name, whether or not it has instances.
  bool created = false;
};

struct service_removed {
  service_name service;
};

struct instance_put {
  service_name service;
  std::shared_ptr<const instance> now;
  /// Since when it is not healthy; 0 if it is.
  std::int64_t unhealthy_since_ms = 0;
  /// Health checks of a node said so, not a client.
  bool checked = false;
};

struct instance_removed {
  service_name service;
  std::string ip;
  std::uint16_t port = 0;
};

struct namespace_put {
  namespace_record now;
};

struct namespace_removed {
  std::string id;
};

struct switches_changed {
  std::shared_ptr<const switch_domain> now;
};

using change = std::variant<overrides_changed, metadata_changed, service_removed, instance_put,
                            instance_removed, namespace_put, namespace_removed, switches_changed>;

} // namespace nacre::agreed
