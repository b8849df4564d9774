// /nacre/admin/limits: what bounds the node, how near it is to each bound, and who is nearest.
#include "http/server/routes.hpp"

namespace nacre {

namespace {

/// Who has most of something.
struct leader {
  std::string name;
  std::int64_t use = 0;

  void consider(const std::string& other, std::int64_t its) {
    if (its > use) {
      name = other;
      use = its;
    }
  }
};

struct limit_figures {
  std::string_view name;
  std::string_view key;
  std::int64_t max = 0;
  std::int64_t use = 0;
  std::optional<std::int64_t> peak = std::nullopt;
  std::optional<std::int64_t> refused = std::nullopt;
  leader largest = {};
};

limit_figures figures_of(std::string_view name, std::string_view key, const address_budget& x) {
  auto n = [](auto number) { return static_cast<std::int64_t>(number); };
  auto now = x.now();
  return {name,
          key,
          n(now.max.all),
          n(now.used),
          n(now.peak),
          n(now.refused),
          {now.largest_user, n(now.largest_use)}};
}

void write(json_writer& out, const limit_figures& x) {
  out.begin_object()
    .field("name", x.name)
    .field("key", x.key)
    .field("max", x.max)
    .field("use", x.use);
  if (x.peak)
    out.field("peak", *x.peak);
  if (x.refused)
    out.field("refused", *x.refused);
  if (!x.largest.name.empty())
    out.key("largest")
      .begin_object()
      .field("who", x.largest.name)
      .field("use", x.largest.use)
      .end_object();
  out.end_object();
}

void write(json_writer& out, const port_counters& x) {
  auto n = [](auto& number) { return static_cast<std::int64_t>(number.load()); };
  out.begin_object()
    .field("accepted", n(x.accepted))
    .field("floods", n(x.floods))
    .field("broken", n(x.broken))
    .field("late", n(x.late))
    .field("idle", n(x.idle))
    .field("stalled", n(x.stalled))
    .field("partialRefused", n(x.partial_refused))
    .field("answersUnasked", n(x.answers_unasked))
    .end_object();
}

/// The largest services, found in one walk.
struct largest_services {
  leader instances, subscribers, stored;
};

largest_services find_largest(const node_context& node) {
  largest_services x;
  node.tables.directory.for_each(
    [&](const service_ref& service, const service_actor&, const service_view_ptr& view) {
      if (!view)
        return;
      x.instances.consider(service->full_name(), static_cast<std::int64_t>(view->instances));
      x.subscribers.consider(service->full_name(),
                             static_cast<std::int64_t>(view->subscribers.size()));
      if (view->metadata || view->overrides)
        x.stored.consider(service->full_name(),
                          static_cast<std::int64_t>(node.tables.store.bytes_of(service->view())));
    });
  return x;
}

leader busiest_address(const node_context& node) {
  std::map<std::string, std::int64_t> counts;
  node.tables.connections.for_each([&](const connection_ptr& x) { ++counts[x->info.remote_ip]; });
  leader most;
  for (auto& [address, count] : counts)
    most.consider(address, count);
  return most;
}

std::optional<reply> show_limits(http_call& c) {
  auto& node = c.context();
  auto& opts = node.options;
  auto& counters = node.counters;
  auto n = [](auto x) { return static_cast<std::int64_t>(x); };
  auto largest = find_largest(node);
  auto& memory = node.tables.memory;
  const limit_figures all[] = {
    {"bytes of memory", "nacre.limits.memory-bytes", memory.max(), memory.used(),
     memory.used().peak(), n(memory.refused())},
    {"services", "nacre.limits.services", n(opts.limits.services_max),
     n(node.tables.directory.size())},
    {"instances", "nacre.limits.instances", n(opts.limits.instances_max), counters.instances,
     counters.instances.peak(), std::nullopt, largest.instances},
    {"subscribers", "", 0, counters.subscribers, counters.subscribers.peak(), std::nullopt,
     largest.subscribers},
    {"namespaces", "nacre.limits.namespaces", n(opts.limits.namespaces_max),
     n(node.tables.store.namespaces_count())},
    {"bytes stored by operators", "nacre.limits.stored-bytes", n(opts.limits.stored_bytes_max),
     n(node.tables.store.bytes()), std::nullopt, std::nullopt, largest.stored},
    figures_of("bytes of answers not taken yet", "nacre.limits.answer-bytes", node.tables.answers),
    figures_of("bytes of bodies not complete yet", "nacre.limits.body-bytes", node.tables.bodies),
    {"HTTP connections", "nacre.http.connections-max", n(opts.http.connections_max),
     counters.http_connections, counters.http_connections.peak()},
    {"gRPC connections", "nacre.grpc.connections-max", n(opts.connections.connections_max),
     n(node.tables.connections.size()), std::nullopt, std::nullopt, busiest_address(node)},
    {"UDP targets", "", 0, n(node.tables.targets.size())},
  };
  json_writer out;
  out.begin_object().key("limits").begin_array();
  for (auto& x : all)
    write(out, x);
  out.end_array().field("descriptorsScarce", counters.descriptors_scarce.load()).key("grpcPort");
  write(out, counters.grpc_port);
  out.field("threadsHeld", n(node.tables.stalls.count())).key("threadsHeldLately").begin_array();
  for (auto& x : node.tables.stalls.recent())
    out.begin_object()
      .field("at", to_ms(x.at))
      .field("by", x.what)
      .field("ms", to_ms(x.lasted))
      .end_object();
  out.end_array().end_object();
  return json_reply(out.take());
}

} // namespace

void add_limit_routes(route_table& table) {
  table["/nacre/admin/limits"] = {api_family::admin, {show_limits, always}};
}

} // namespace nacre
