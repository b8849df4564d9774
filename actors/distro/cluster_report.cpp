#include "actors/distro/cluster_report.hpp"

#include <algorithm>
#include <map>

namespace nacre {

namespace {

/// How long ago, -1 if never.
std::int64_t ago(std::optional<steady_time> then, steady_time now) {
  return then && *then != never ? to_ms(now - *then) : -1;
}

/// For how long, 0 if it is not so.
std::int64_t lasting(steady_time since, steady_time now) {
  return since == never ? 0 : to_ms(now - since);
}

std::string_view to_string(record_state x) {
  constexpr std::string_view names[] = {"healthy", "unhealthy", "lapsed", "removed"};
  return names[static_cast<std::size_t>(x)];
}

/// More instances of one client are only counted.
constexpr std::size_t instances_shown_max = 10;

/// What one of two nodes holds of a client; nothing if it holds nothing.
void write_side(json_writer& out, std::string_view name, const instance_record* x) {
  if (!x)
    return;
  out.key(name)
    .begin_object()
    .field("version", x->what.version)
    .field("state", to_string(x->what.state));
  if (!x->owner.empty())
    out.field("owner", x->owner);
  out.field("count", x->instances.size()).key("instances").begin_array();
  for (std::size_t i = 0; i < std::min(x->instances.size(), instances_shown_max); ++i)
    out.string(x->instances[i].metadata_id());
  out.end_array().end_object();
}

} // namespace

void write_peer_fields(json_writer& out, const member& known, const peer_counters& c,
                       steady_time now) {
  out.field("address", known.address)
    .field("connected", known.link_open)
    .field("loaded", known.loaded)
    .field("left", known.left)
    .field("incarnation", known.incarnation)
    .field("heardAgoMs", ago(known.last_heard, now))
    .field("aliveAgoMs", ago(known.last_alive, now))
    .field("records", known.records)
    .field("pendingTasks", c.pending.load())
    .field("lagMs", lasting(c.pending_since, now))
    .field("lastVerifyAgoMs", ago(c.verified.load(), now))
    .field("differingBuckets", c.differing.load())
    .field("differingForMs", lasting(c.differing_since, now))
    .field("recordsSent", c.records_sent.load())
    .field("recordsReceived", c.records_received.load())
    .field("renewalsSent", c.renewals_sent.load())
    .field("framesSent", c.frames_sent.load())
    .field("framesReceived", c.frames_received.load())
    .field("framesDropped", c.frames_dropped.load())
    .field("framesUnreadable", c.frames_unreadable.load())
    .field("bytesSent", c.bytes_sent.load())
    .field("bytesReceived", c.bytes_received.load());
}

void write_cluster(json_writer& out, const cluster_context& cluster, steady_time now) {
  auto view = cluster.now();
  out.begin_object()
    .field("mode", "cluster")
    .field("self", view->self())
    .field("incarnation", view->incarnation())
    .field("loaded", view->own().loaded)
    .field("rejoining", view->own().rejoining)
    .field("quorumContact", view->has_quorum_contact())
    .field("ringNumber", view->ring_number())
    .key("ring")
    .begin_array();
  for (auto& address : view->ring().ring())
    out.string(address);
  // Those that are gone are remembered for a while.
  out.end_array()
    .key("records")
    .begin_object()
    .field("alive", cluster.replicas.alive())
    .field("all", cluster.replicas.size())
    .end_object()
    .key("members")
    .begin_array();
  for (auto& x : view->members()) {
    out.begin_object()
      .field("address", x.address)
      .field("state", to_string(x.state))
      .field("dead", x.dead)
      .field("incarnation", x.incarnation);
    if (auto peer = cluster.peers.find(x.address)) {
      out.key("peer").begin_object();
      write_peer_fields(out, x, peer->counters, now);
      out.end_object();
    }
    out.end_object();
  }
  out.end_array().end_object();
}

bool write_differences(json_writer& out, const std::vector<instance_record>& here,
                       const std::vector<instance_record>& there) {
  struct sides {
    const instance_record* here = nullptr;
    const instance_record* there = nullptr;
  };
  std::map<std::pair<std::string_view, bool>, sides> by_client;
  for (auto& x : here)
    by_client[{x.what.key.client, x.what.key.connection}].here = &x;
  for (auto& x : there)
    by_client[{x.what.key.client, x.what.key.connection}].there = &x;
  std::erase_if(by_client, [](const auto& x) {
    auto& [mine, theirs] = x.second;
    return mine && theirs && mine->what.version == theirs->what.version
           && mine->what.state == theirs->what.state;
  });
  out.field("equal", by_client.empty())
    .field("records", there.size())
    .key("differences")
    .begin_array();
  std::size_t written = 0;
  for (auto& [client, x] : by_client) {
    if (written++ == differences_max)
      break;
    out.begin_object()
      .field("client", client.first)
      .field("connection", client.second)
      .field("what", !x.there  ? "missing there"
                     : !x.here ? "missing here"
                               : "differs");
    write_side(out, "here", x.here);
    write_side(out, "there", x.there);
    out.end_object();
  }
  out.end_array();
  if (by_client.size() > differences_max)
    out.field("differencesLeftOut", by_client.size() - differences_max);
  return by_client.empty();
}

elsewhere_counts count_elsewhere(const cluster_context* cluster) {
  elsewhere_counts counts;
  if (!cluster)
    return counts;
  auto view = cluster->now();
  // Hashes, as a set of a million clients would take a second.
  std::vector<std::size_t> connections;
  std::vector<std::size_t> beating;
  cluster->replicas.for_each([&](const replica& x) {
    auto& client = x.lease->client;
    bool here = client.kind == client_kind::connection
                || (client.kind == client_kind::ephemeral && view->is_responsible(client));
    if (!x.what || here)
      return;
    counts.instances += static_cast<std::int64_t>(x.what->instances.size());
    (is_connection(client.kind) ? connections : beating).push_back(client.hash());
  });
  auto different = [](std::vector<std::size_t>& hashes) {
    std::sort(hashes.begin(), hashes.end());
    return std::unique(hashes.begin(), hashes.end()) - hashes.begin();
  };
  counts.connections = different(connections);
  counts.beating_clients = different(beating);
  return counts;
}

} // namespace nacre
