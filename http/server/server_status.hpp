#pragma once

#include <string>

#include "http/server/http_call.hpp"

namespace nacre {

/// Status of the node as clients see it (Nacos `ServerStatus`): an operator's override wins, else
/// UP once it serves.
struct status_now {
  std::string name;
  bool overridden = false;

  bool up() const { return name == "UP"; }
};

inline status_now server_status(const api_environment& env) {
  auto switches = env.context->tables.store.switches();
  if (auto& x = switches->overridden_server_status; x && !x->empty())
    return {*x, true};
  return {env.ready() ? "UP" : "STARTING", false};
}

} // namespace nacre
