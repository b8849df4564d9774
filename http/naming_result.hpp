#pragma once

#include "http/call.hpp"
#include "http/service_json.hpp"

/// Calls that v2 and v3 answer alike: plain names, result objects.
namespace nacre {

reply refuse_result_metadata(std::string_view text);

/// Key from `namespaceId`, `groupName` and plain `serviceName` (required).
service_ref result_key(const call& c);

/// 400/21008 if the service does not exist.
service_view_ptr find_or_refuse_service(const call& c, const service_key_view& key);

/// `{"ips":["ip:port_healthy",…]}`
std::string statuses_json(const call& c, const service_key_view& key);

/// The answer of a write.
reply result_ok_or_failure(const outcome& result);

std::optional<reply> register_result(call& c);
std::optional<reply> deregister_result(call& c);
std::optional<reply> update_result(call& c);
std::optional<reply> put_metadata_result(call& c);
std::optional<reply> delete_metadata_result(call& c);
std::optional<reply> create_service_result(call& c);
std::optional<reply> update_service_result(call& c);
std::optional<reply> delete_service_result(call& c);
std::optional<reply> put_health_result(call& c);

} // namespace nacre
