#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "protocol/instance.hpp"
#include "protocol/metadata.hpp"

namespace nacre {

/// How the instances of a cluster are probed (Nacos `AbstractHealthChecker`).
struct health_checker {
  enum class kind : std::uint8_t { tcp, http, mysql, none };
  kind type = kind::tcp;
  // HTTP
  std::string path;
  std::string headers;
  std::int32_t expected_response_code = 200;
  // MYSQL
  std::string user;
  std::string password;
  std::string command;

  auto fields() {
    return std::tie(type, path, headers, expected_response_code, user, password, command);
  }
};

/// How a password is shown; who sends it back keeps what is stored.
inline constexpr std::string_view masked_password = "******";

std::string_view to_string(health_checker::kind type);

/// Reads `{"type":"TCP"}` and so on; an unknown type is NONE. Nothing if it is no JSON object.
std::optional<health_checker> parse_health_checker(std::string_view json);

/// What is configured about a cluster of instances (Nacos `ClusterMetadata`).
struct cluster_metadata {
  std::uint16_t check_port = 80;
  bool use_instance_port = true;
  health_checker checker;
  metadata_map metadata;

  auto fields() { return std::tie(check_port, use_instance_port, checker, metadata); }
};

/// Chooses instances by their labels (Nacos `Selector`). Without a CMDB it chooses all.
struct selector {
  enum class kind : std::uint8_t { none, label };
  kind type = kind::none;
  std::string expression;
  std::vector<std::string> labels;

  auto fields() { return std::tie(type, expression, labels); }
};

/// Reads the `selector` parameter; blank gives `none`.
struct parsed_selector {
  bool is_json = true;
  /// Nothing if the type is unknown.
  std::optional<selector> value;
};
parsed_selector parse_selector(std::string_view json);

/// What is stored about a service beside its instances (Nacos `ServiceMetadata`).
struct service_metadata {
  bool ephemeral = false;
  double protect_threshold = 0.0;
  nacre::selector selector;
  metadata_map metadata;
  std::map<std::string, cluster_metadata, std::less<>> clusters;

  auto fields() { return std::tie(ephemeral, protect_threshold, selector, metadata, clusters); }
};

using service_metadata_ptr = std::shared_ptr<const service_metadata>;

/// The settings of one of its clusters, as they are by default if none were stored. Lives as long
/// as `service`, which may be null.
const cluster_metadata& cluster_of(const service_metadata_ptr& service, std::string_view name);

/// Overlays of one service by `ip:port:cluster`; equal ones may be one object. Never null.
using override_table = std::map<std::string, std::shared_ptr<const instance_override>, std::less<>>;
using override_table_ptr = std::shared_ptr<const override_table>;

/// Changes the override of one instance; `metadata_id` is `ip:port:cluster`.
struct override_change {
  enum class kind : std::uint8_t {
    /// `content` takes the place of what is stored.
    replace,
    /// Its metadata is added to what is stored; without that, all of it is stored.
    add_metadata,
    /// The keys of its metadata are taken out of what is stored.
    remove_metadata,
  };
  std::string metadata_id;
  instance_override content;
  kind how = kind::replace;

  auto fields() { return std::tie(metadata_id, content, how); }
};

/// What is kept of a namespace.
struct namespace_record {
  std::string id;
  std::string name;
  std::string description;

  auto fields() { return std::tie(id, name, description); }
};

/// About what they take in memory.
std::size_t bytes_of(const service_metadata& x);
std::size_t bytes_of(const override_table& x);

} // namespace nacre
