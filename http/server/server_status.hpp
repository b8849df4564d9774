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

inline status_now server_status(const http_call& c) {
  if (auto& x = c.switches()->overridden_server_status; x && !x->empty())
    return {*x, true};
  return {c.env.ready() ? "UP" : "STARTING", false};
}

} // namespace nacre
