#pragma once

#include "http/server/http_call.hpp"

/// Handlers of writes, the same for v1, v2 and v3: how forms are read and answers are said follows
/// from the route's dialect.
namespace nacre {

std::optional<reply> register_instance_call(http_call& c);
std::optional<reply> deregister_instance_call(http_call& c);
/// Puts weight, enabled and metadata over an instance.
std::optional<reply> update_instance_call(http_call& c);
std::optional<reply> put_metadata_call(http_call& c);
std::optional<reply> delete_metadata_call(http_call& c);

std::optional<reply> create_service_call(http_call& c);
std::optional<reply> update_service_call(http_call& c);
std::optional<reply> delete_service_call(http_call& c);
std::optional<reply> put_cluster_call(http_call& c);
/// Sets the health of a persistent instance by hand.
std::optional<reply> put_health_call(http_call& c);

/// Has `what` put over the published instance; refuses what no instance may be.
void send_override(const http_call& c, const service_ref& service, const instance& what,
                   ticket_ptr answer);

} // namespace nacre
