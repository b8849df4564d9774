#pragma once

#include <string_view>
#include <unordered_map>

#include "http/server/http_call.hpp"

namespace nacre {

/// Which conventions a path follows: how errors look and which filters apply.
enum class api_family : std::uint8_t {
  /// `/v1/ns/*`: all filters, text errors, unknown paths are 501.
  naming_v1,
  /// `/v2/ns/*` and `/v3/…/ns/*`: result errors, refused while the node starts.
  naming_result,
  /// Core, console, and what operators do about a node that starts.
  core,
  /// nacre's own.
  admin,
};

/// A handler of GET.
struct read_handler {
  /// @param when the read takes long, as it walks over all services or clients, or over all that
  ///             one service has; null: never
  read_handler(handler f = nullptr, bool (*when)(const http_call&) = nullptr)
    : handle(f), long_when(when) {}

  bool takes_long(const http_call& c) const { return long_when && long_when(c); }

  handler handle;
  bool (*long_when)(const http_call&);
};

/// For `read_handler::long_when`.
inline bool always(const http_call&) { return true; }

/// Handlers of one path by method; null where the method is not served.
struct route {
  api_family family = api_family::core;
  read_handler get = nullptr;
  handler post = nullptr;
  handler put = nullptr;
  handler del = nullptr;
  handler patch = nullptr;

  handler of(http_method method) const {
    switch (method) {
      case http_method::get:
      case http_method::head: // the same, without the body
        return get.handle;
      case http_method::post:
        return post;
      case http_method::put:
        return put;
      case http_method::del:
        return del;
      case http_method::patch:
        return patch;
      case http_method::other:
        break;
    }
    return nullptr;
  }
};

/// Every path the node serves, without the context path; the ends in `/*` match one more segment.
using route_table = std::unordered_map<std::string_view, route>;

// Each file of routes adds its own.
void add_instance_v1_routes(route_table& table);
void add_service_v1_routes(route_table& table);
void add_operator_routes(route_table& table);
void add_naming_v2_routes(route_table& table);
void add_naming_v3_routes(route_table& table);
void add_client_routes(route_table& table);
void add_core_state_routes(route_table& table);
void add_limit_routes(route_table& table);
void add_login_routes(route_table& table);
void add_namespace_routes(route_table& table);
void add_cluster_routes(route_table& table);
void add_loader_routes(route_table& table);
void add_admin_routes(route_table& table);
void add_store_routes(route_table& table);
void add_health_routes(route_table& table);

} // namespace nacre
