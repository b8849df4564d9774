#include "actors/node_context.hpp"

namespace nacre {

namespace {

outcome limit_reached(std::string_view what, std::size_t max) {
  return {ec::limit_reached, "this node holds as many " + std::string(what) + " as it may ("
                               + std::to_string(max) + ")"};
}

} // namespace

outcome services_limit_reached(const node_context& context) {
  return limit_reached("services", context.options.limits.services_max);
}

outcome instances_limit_reached(const node_context& context) {
  return limit_reached("instances", context.options.limits.instances_max);
}

} // namespace nacre
