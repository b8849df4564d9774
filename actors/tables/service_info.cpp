#include "actors/tables/service_info.hpp"

#include "protocol/naming_response.hpp"

namespace nacre {

message_body list_for_grpc(const service_view* view, const service_key_view& key,
                           const instance_selection& wanted, std::int64_t cache_millis,
                           wall_time now) {
  service_info x{key, wanted.clusters, cache_millis, nullptr, to_ms(now), false};
  if (!view)
    return service_info_field(x);
  auto array = view->rendered(wanted, cache_millis)->array;
  x.hosts = std::shared_ptr<const std::string>(array, &array->json);
  x.ref_time_ms = to_ms(view->ref_time);
  x.reaches_protection = array->reaches_protection;
  return service_info_field(x);
}

} // namespace nacre
