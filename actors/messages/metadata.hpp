#pragma once

#include <cstdint>
#include <functional>
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
  ticket_ptr answer;
};

/// Creates a service by name.
struct create_service {
  service_ref service;
  service_metadata_ptr metadata;
  ticket_ptr answer;
};

/// Changes what is stored; `change` runs in the METADATA KEEPER on the present value.
struct update_service {
  service_ref service;
  std::function<void(service_metadata&)> change;
  ticket_ptr answer;
};

/// A service ended, and with it what was stored about it; anything newer than this stays.
struct service_ended {
  service_ref service;
  override_table_ptr overrides;
  service_metadata_ptr metadata;
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
