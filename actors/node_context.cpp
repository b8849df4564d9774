#include "actors/node_context.hpp"

#include "actors/cluster_view.hpp"

namespace nacre {

namespace {

outcome limit_reached(std::string_view what, std::size_t max) {
  return {ec::limit_reached, "this node holds as many " + std::string(what) + " as it may ("
                               + std::to_string(max) + ")"};
}

} // namespace

node_context::node_context(nacre::options opts, std::size_t shards_count)
  : options(std::move(opts)), shards(shards_count) {}

node_context::~node_context() = default;

std::int64_t node_context::list_ms() const {
  return cluster ? hybrid_clock::to_ms(cluster->clock.now(steady_ms())) : wall_ms();
}

outcome services_limit_reached(const node_context& context) {
  return limit_reached("services", context.options.limits.services_max);
}

outcome not_replicated(std::string_view what) {
  return {ec::unavailable, std::string(what)
                             + " are not available in a cluster of this version: it has no "
                               "replicated store yet, by which its nodes would agree on them"};
}

outcome instances_limit_reached(const node_context& context) {
  return limit_reached("instances", context.options.limits.instances_max);
}

} // namespace nacre
