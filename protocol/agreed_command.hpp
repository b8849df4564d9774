#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "protocol/instance.hpp"
#include "protocol/service_metadata.hpp"

/// What is written through the replicated store: one command an entry of its log, applied by every
/// node in the same order to the same effect. So all that an effect depends on is in the command or
/// in the state: no clock, no random number, no option of the node. Pure, any thread.
namespace nacre::agreed {

/// A service as the log names it.
struct service_name {
  std::string namespace_id;
  std::string group;
  std::string name;

  auto fields() { return std::tie(namespace_id, group, name); }
  friend auto operator<=>(const service_name&, const service_name&) = default;

  service_key_view view() const { return {namespace_id, group, name}; }
};

inline service_name name_of(const service_key& x) { return {x.namespace_id, x.group, x.name}; }

/// Overlays of instances of one service change.
struct put_overrides {
  service_name service;
  std::vector<override_change> changes;

  auto fields() { return std::tie(service, changes); }
};

/// Overlays end, as their instances are gone for long; one that was set again since stays.
struct expire_overrides {
  struct mark {
    std::string metadata_id;
    /// When it was set.
    std::int64_t set_ms = 0;

    auto fields() { return std::tie(metadata_id, set_ms); }
  };
  service_name service;
  std::vector<mark> marks;

  auto fields() { return std::tie(service, marks); }
};

/// A service is created by name; refused if it is there.
struct create_service {
  service_name service;
  service_metadata metadata;

  auto fields() { return std::tie(service, metadata); }
};

/// Settings of a service, in place of what they were; its clusters and its kind stay.
struct update_service {
  service_name service;
  /// Its kind, if nothing is stored about it yet; as are all other fields in place of the stored.
  service_metadata settings;

  auto fields() { return std::tie(service, settings); }
};

/// Settings of one cluster of a service.
struct put_cluster {
  service_name service;
  /// The service's kind, if nothing is stored about it yet.
  bool ephemeral = false;
  std::string cluster;
  cluster_metadata settings;

  auto fields() { return std::tie(service, ephemeral, cluster, settings); }
};

/// All that is stored about a service ends; refused if it has persistent instances.
struct remove_service {
  service_name service;

  auto fields() { return std::tie(service); }
};

/// A persistent instance is registered, or what it says of itself changes.
struct put_instance {
  service_name service;
  instance what;

  auto fields() { return std::tie(service, what); }
};

/// It is taken back.
struct remove_instance {
  service_name service;
  std::string ip;
  std::uint16_t port = 0;

  auto fields() { return std::tie(service, ip, port); }
};

/// A persistent instance is well or not, by what its health checks found or an operator says; one
/// that is not there stays so.
struct set_health {
  service_name service;
  std::string ip;
  std::uint16_t port = 0;
  bool healthy = true;

  auto fields() { return std::tie(service, ip, port, healthy); }
};

struct put_namespace {
  namespace_record record;
  /// Changes one that is there, else makes one that is not.
  bool must_exist = false;

  auto fields() { return std::tie(record, must_exist); }
};

struct remove_namespace {
  std::string id;

  auto fields() { return std::tie(id); }
};

struct set_switch {
  std::string entry;
  std::string value;

  auto fields() { return std::tie(entry, value); }
};

/// New kinds go to the end: the index is on the disks.
using command = std::variant<put_overrides, expire_overrides, create_service, update_service,
                             put_cluster, remove_service, put_instance, remove_instance,
                             put_namespace, remove_namespace, set_switch, set_health>;

/// A command and who wants it. Sent more than once it is applied once.
struct request {
  /// Of one life of a node, random.
  std::uint64_t session = 0;
  /// Rises by one with each request of the session.
  std::uint64_t number = 0;
  /// All below have been answered: nobody asks for them again.
  std::uint64_t answered_below = 0;
  /// Who asked, for operators: an address; empty for a node itself.
  std::string by;
  /// When, by the clock of the node that was asked.
  std::int64_t at_ms = 0;
  command what;

  auto fields() { return std::tie(session, number, answered_below, by, at_ms, what); }
};

} // namespace nacre::agreed
