#include "actors/cluster_report.hpp"

namespace nacre {

namespace {

/// How long ago, -1 if never.
std::int64_t ago(std::int64_t then_ms, std::int64_t now_ms) {
  return then_ms == 0 ? -1 : now_ms - then_ms;
}

std::string_view to_string(record_state x) {
  constexpr std::string_view names[] = {"healthy", "unhealthy", "lapsed", "removed"};
  return names[static_cast<std::size_t>(x)];
}

} // namespace

void write_peer(json_writer& out, const cluster_peer& peer, std::int64_t now_ms) {
  auto& c = peer.counters;
  out.begin_object()
    .field("address", peer.address)
    .field("connected", peer.open.load())
    .field("loaded", peer.loaded.load())
    .field("left", peer.left.load())
    .field("life", peer.life.load())
    .field("heardAgoMs", ago(peer.heard_ms, now_ms))
    .field("signOfLifeAgoMs", ago(peer.sign_ms, now_ms))
    .field("records", peer.records.load())
    .field("pendingTasks", c.pending.load())
    .field("lagMs", c.pending_since_ms == 0 ? 0 : now_ms - c.pending_since_ms)
    .field("lastVerifyAgoMs", ago(c.verified_ms, now_ms))
    .field("differingBuckets", c.differing.load())
    .field("differingForMs", c.differing_since_ms == 0 ? 0 : now_ms - c.differing_since_ms)
    .field("recordsSent", c.records_sent.load())
    .field("recordsReceived", c.records_received.load())
    .field("renewalsSent", c.renewals_sent.load())
    .field("framesSent", c.frames_sent.load())
    .field("framesReceived", c.frames_received.load())
    .field("framesDropped", c.frames_dropped.load())
    .field("framesUnreadable", c.frames_unreadable.load())
    .field("bytesSent", c.bytes_sent.load())
    .field("bytesReceived", c.bytes_received.load())
    .end_object();
}

void write_records(json_writer& out, const std::vector<instance_record>& records) {
  out.begin_array();
  for (auto& x : records) {
    out.begin_object()
      .field("client", x.what.key.client)
      .field("connection", x.what.key.connection)
      .field("version", x.what.version)
      .field("state", to_string(x.what.state));
    if (!x.origin.empty())
      out.field("origin", x.origin);
    out.key("instances").begin_array();
    for (auto& one : x.instances)
      out.string(one.metadata_id());
    out.end_array().end_object();
  }
  out.end_array();
}

} // namespace nacre
