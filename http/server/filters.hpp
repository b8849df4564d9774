#pragma once

#include <optional>
#include <string_view>

#include "http/server/http_call.hpp"

/// The filters before the handlers, each giving an answer if it refuses the request.
namespace nacre {

/// Status gate of `/v1/ns` (Nacos `TrafficReviseFilter`).
std::optional<reply> revise_traffic(const http_call& c);

/// Refuses calls of v2 and v3 while the node starts or stops: what it knows by then is no answer.
/// The reference's gate is on `/v1/ns` only.
std::optional<reply> refuse_unready(const http_call& c);

/// Builds `c.v1_service` from `serviceName` and `groupName` (Nacos `ServiceNameFilter`).
std::optional<reply> read_service_name(http_call& c);

/// Names and numbers (Nacos `ParamCheckerFilter`); `v1` says how the service is named.
std::optional<reply> check_parameters(const http_call& c, bool v1);

} // namespace nacre
