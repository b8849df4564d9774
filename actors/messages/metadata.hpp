#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/base/local_message.hpp"
#include "actors/base/ticket.hpp"
#include "protocol/service_key.hpp"
#include "protocol/service_metadata.hpp"

/// What is said to the METADATA KEEPER.
namespace nacre {

/// Changes overrides of instances of one service.
struct put_overrides {
  service_ref service;
  std::vector<override_change> changes;
  /// Who wants it, an address.
  std::string by;
  ticket_ptr answer;
};

/// An operator wants to see overrides: completes with JSON.
struct describe_overrides {
  /// Null: of all services.
  service_ref service;
  /// Which of them, in order of service and instance.
  std::size_t offset = 0;
  std::size_t limit = 1'000;
  ticket_ptr answer;
};

/// Creates a service by name.
struct create_service {
  service_ref service;
  service_metadata metadata;
  ticket_ptr answer;
};

/// Sets threshold, selector and metadata of a service; its kind and clusters stay.
struct update_service {
  service_ref service;
  service_metadata settings;
  ticket_ptr answer;
};

/// Sets what is configured about one cluster of instances.
struct put_cluster {
  service_ref service;
  std::string cluster;
  cluster_metadata settings;
  ticket_ptr answer;
};

/// An operator says whether a persistent instance is well.
struct put_health {
  service_ref service;
  std::string ip;
  std::uint16_t port = 0;
  bool healthy = true;
  /// Never empty: what nobody says is from health checks.
  std::string by;
  ticket_ptr answer;
};

/// Removes a service and what is stored about it; refused while it has instances.
struct remove_service {
  service_ref service;
  ticket_ptr answer;
};

/// Creates a namespace, or changes one that exists.
struct put_namespace {
  namespace_record record;
  bool must_exist = false;
  ticket_ptr answer;
};

/// Forgets a namespace; its services stay.
struct delete_namespace {
  std::string id;
  ticket_ptr answer;
};

/// Sets one switch (Nacos `SwitchManager`).
struct set_switch {
  std::string entry;
  std::string value;
  /// The operator wants it on this node alone.
  bool here_only = false;
  ticket_ptr answer;
};

} // namespace nacre
