#pragma once

#include "http/server/http_call.hpp"

/// Reading settings of services and clusters from requests, in the dialect of each API.
namespace nacre {

/// The form of `POST` and `PUT …/service`.
service_metadata read_service_form(const http_call& c);

/// The settings of one cluster (`PUT …/cluster`), with its name.
struct cluster_form {
  std::string name;
  cluster_metadata settings;
};
cluster_form read_cluster_form(const http_call& c);

} // namespace nacre
