#pragma once

#include "actors/tables/service_view.hpp"
#include "protocol/message_body.hpp"

namespace nacre {

/// `"serviceInfo":{…}`, the list answer of a service over gRPC; a service without a view lists
/// nothing, as of `now` (wall clock). Any thread.
message_body list_for_grpc(const service_view* view, const service_key_view& key,
                           const instance_selection& wanted, std::int64_t cache_millis,
                           wall_time now);

} // namespace nacre
