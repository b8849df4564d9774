#include "actors/node_context.hpp"

#include <numeric>

#include "config/usable_memory.hpp"

namespace nacre {

namespace {

outcome limit_reached(std::string_view what, std::size_t max) {
  return {ec::limit_reached, "this node holds as many " + std::string(what) + " as it may ("
                               + std::to_string(max) + ")"};
}

outcome memory_spent(const memory_budget& memory) {
  return {ec::limit_reached, "this node uses as much memory as it may ("
                               + std::to_string(memory.max()) + " bytes) and takes nothing new"};
}

std::size_t length_of(const instance_list& instances) {
  std::size_t length = 0;
  for (auto& x : instances)
    length += metadata_length(x.metadata);
  return length;
}

/// Of one publication: it has to fit one message to another node, which takes 16 MiB.
constexpr std::size_t publication_bytes_max = 8 * 1024 * 1024;

std::size_t bytes_of(const instance_list& instances) {
  return std::accumulate(instances.begin(), instances.end(), std::size_t{0},
                         [](std::size_t sum, auto& x) { return sum + wire_bytes(x); });
}

address_budget::bounds answer_bounds(const limit_options& limits) {
  // By the operator's word, if there is one.
  auto may_use = limits.memory_bytes_max != 0 ? limits.memory_bytes_max : usable_memory();
  return {limits.answer_bytes_max != 0 ? limits.answer_bytes_max : may_use / 10,
          limits.answer_bytes_per_address_max, limits.answer_bytes_per_connection_max};
}

/// One address may have a quarter of it, as strangers may of what waits over gRPC.
address_budget::bounds body_bounds(const limit_options& limits) {
  auto all = limits.body_bytes_max;
  return {all, all / 4, all / 4};
}

} // namespace

node_tables::node_tables(const nacre::options& opts)
  : targets(opts.push),
    answers(answer_bounds(opts.limits)),
    bodies(body_bounds(opts.limits)),
    memory(opts.limits.memory_bytes_max != 0 ? opts.limits.memory_bytes_max
                                             : usable_memory() / 4 * 3) {}

node_context::node_context(nacre::options opts, std::size_t shards_count, clock_source machine)
  : options(std::move(opts)),
    checks{options.limits.param_check_enabled, options.limits.metadata_chars_max},
    clock(std::move(machine)),
    tables(options),
    actors(shards_count) {}

wall_time node_context::next_ref_time() const {
  return cluster ? hybrid_clock::time_of(clock.common.now(clock.steady())) : clock.wall();
}

outcome services_limit_reached(const node_context& context) {
  return limit_reached("services", context.options.limits.services_max);
}

outcome admit_instances(node_context& context, const publication* before,
                        const instance_list& now) {
  if (bytes_of(now) > publication_bytes_max)
    return {ec::limit_reached, "what one client publishes for a service may not take more than "
                                 + std::to_string(publication_bytes_max) + " bytes"};
  auto held = before ? before->instances.size() : 0;
  auto more = now.size() - std::min(now.size(), held);
  auto max = context.options.limits.instances_max;
  if (more > 0
      && context.counters.instances + static_cast<std::int64_t>(more)
           > static_cast<std::int64_t>(max))
    return limit_reached("instances", max);
  auto& memory = context.tables.memory;
  if (!memory.spent())
    return {};
  bool longer = more > 0 || length_of(now) > length_of(before->instances);
  return longer && !memory.admits() ? memory_spent(memory) : outcome{};
}

outcome admit_subscription(node_context& context, const subscriber* before,
                           const std::string& clusters) {
  auto& memory = context.tables.memory;
  bool more = !before || !before->wants(clusters);
  return more && !memory.admits() ? memory_spent(memory) : outcome{};
}

} // namespace nacre
