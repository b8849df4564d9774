#pragma once

#include "http/server/http_call.hpp"

/// Reading instances from requests, in the dialect of each API.
namespace nacre {

/// An instance as a request describes it, with the service it is for.
struct instance_form {
  service_ref service;
  instance what;
};

/// v1: aliases, trimmed values, an id of its own; v2 and v3: no aliases, values as they are.
instance_form read_instance_form(const http_call& c);

/// Parses the `metadata` parameter.
metadata_map read_metadata(const http_call& c);

/// Refuses ports that are none.
std::uint16_t checked_port(std::int32_t port);

/// Refuses what no instance may be (Nacos `NamingUtils.checkInstanceIsLegal`).
void check_instance_form(const http_call& c, const instance& x);

/// v1 sets an id always; which kind the metadata may say.
void choose_id(const http_call& c, instance& x);

} // namespace nacre
