#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "protocol/instance.hpp"
#include "protocol/store_message.hpp"

/// What nodes of a cluster tell each other. Every message stands for itself: it may be lost, come
/// twice or after a later one, and nothing breaks. Pure, any thread.
namespace nacre {

/// One publication: the unit of replication. A client of a service, by its id.
struct record_key {
  /// `ip:port` of a client that beats, the id of a gRPC connection otherwise.
  std::string client;
  bool connection = false;
  std::string namespace_id;
  std::string group;
  std::string service;

  auto fields() { return std::tie(client, connection, namespace_id, group, service); }
  friend auto operator<=>(const record_key&, const record_key&) = default;
};

/// What became of a publication.
enum class record_state : std::uint8_t {
  healthy,
  /// Its beats stopped, says the node that is responsible for it.
  unhealthy,
  /// Its client was lost: beats stopped for longer, or its node is gone. Said by the same node.
  lapsed,
  /// Its client, or somebody in its name, took it back.
  removed,
};

inline bool is_alive(record_state x) {
  return x == record_state::healthy || x == record_state::unhealthy;
}

/// A record without its content.
struct record_summary {
  record_key key;
  /// Rises with every change that a client asked for; `hybrid_clock` makes it.
  std::int64_t version = 0;
  record_state state = record_state::healthy;

  auto fields() { return std::tie(key, version, state); }
};

struct instance_record {
  record_summary what;
  /// The node that holds the connection, and its incarnation: empty for clients that beat.
  std::string owner;
  std::int64_t owner_incarnation = 0;
  /// How long ago the sender heard of the client, directly or by others; for clients that beat.
  std::int64_t idle_ms = 0;
  /// Empty unless alive; also for a connection that published an empty list.
  std::vector<instance> instances;

  auto fields() { return std::tie(what, owner, owner_incarnation, idle_ms, instances); }
};

// -- membership ----------------------------------------------------------------------------------

/// What the sender knows of another node.
struct peer_sighting {
  std::string address;
  std::int64_t incarnation = 0;
  /// How long ago somebody heard it itself; -1: it is dead, as the sender found out.
  std::int64_t age_ms = 0;

  auto fields() { return std::tie(address, incarnation, age_ms); }
};

/// Sent in a fixed interval, whatever else there is.
struct heartbeat {
  /// Hybrid clock of the sender.
  std::int64_t clock = 0;
  /// The receiver's incarnation as the sender knows it, 0 if not yet.
  std::int64_t your_incarnation = 0;
  /// How long ago the sender heard the receiver itself, -1 if never.
  std::int64_t your_age_ms = -1;
  /// Whether the sender has loaded what the others hold.
  bool loaded = false;
  /// Records it holds.
  std::uint64_t records = 0;
  std::vector<peer_sighting> others;

  auto fields() { return std::tie(clock, your_incarnation, your_age_ms, loaded, records, others); }
};

/// The sender stops of its own will.
struct farewell {
  std::uint8_t reserved = 0;

  auto fields() { return std::tie(reserved); }
};

// -- changes -------------------------------------------------------------------------------------

struct record_batch {
  /// Chosen by the sender; the acknowledgement repeats it.
  std::uint64_t number = 0;
  std::vector<instance_record> records;

  auto fields() { return std::tie(number, records); }
};

struct batch_ack {
  std::uint64_t number = 0;

  auto fields() { return std::tie(number); }
};

/// The sender lacks these, or has an older version of them.
struct client_verify_failed {
  std::vector<record_key> keys;

  auto fields() { return std::tie(keys); }
};

/// Beats that the sender took for clients which the receiver is responsible for.
struct renewals_of_service {
  std::string namespace_id;
  std::string group;
  std::string service;
  /// `ip:port`
  std::vector<std::string> clients;

  auto fields() { return std::tie(namespace_id, group, service, clients); }
};

struct renewals {
  /// How often they were passed on already.
  std::uint8_t hops = 0;
  std::vector<renewals_of_service> services;

  auto fields() { return std::tie(hops, services); }
};

// -- verify and snapshot -------------------------------------------------------------------------

/// Digests of all buckets of the sender's living records.
struct verify_request {
  std::vector<std::uint64_t> digests;

  auto fields() { return std::tie(digests); }
};

/// All records, also those that are gone but remembered, of buckets whose digests differ.
struct verify_listing {
  std::vector<std::uint32_t> buckets;
  std::vector<record_summary> records;

  auto fields() { return std::tie(buckets, records); }
};

struct snapshot_request {
  std::uint32_t from_bucket = 0;

  auto fields() { return std::tie(from_bucket); }
};

/// All records of the buckets from `from_bucket` to before `next_bucket`, in `parts` messages.
struct snapshot_chunk {
  std::uint32_t from_bucket = 0;
  std::uint32_t next_bucket = 0;
  std::uint32_t part = 0;
  std::uint32_t parts = 1;
  std::vector<instance_record> records;

  auto fields() { return std::tie(from_bucket, next_bucket, part, parts, records); }
};

// -- questions of operators ----------------------------------------------------------------------

struct service_query {
  std::uint64_t id = 0;
  std::string namespace_id;
  std::string group;
  std::string service;

  auto fields() { return std::tie(id, namespace_id, group, service); }
};

struct service_answer {
  std::uint64_t id = 0;
  std::vector<instance_record> records;

  auto fields() { return std::tie(id, records); }
};

/// Which subscribers are wanted.
struct subscriber_filter {
  std::string namespace_id;
  std::string group;
  std::string service;
  /// Parts of both names are enough.
  bool by_part = false;

  auto fields() { return std::tie(namespace_id, group, service, by_part); }
};

/// A subscriber as operators are shown it (Nacos `Subscriber`).
struct subscriber_row {
  std::string namespace_id;
  std::string group;
  std::string service;
  /// Where it is: `ip:port`, or the address alone for a connection.
  std::string address;
  std::string ip;
  std::uint16_t port = 0;
  std::string agent;
  std::string app;
  std::string clusters;

  auto fields() {
    return std::tie(namespace_id, group, service, address, ip, port, agent, app, clusters);
  }
  /// What makes it one of its kind: several connections of one program are one row.
  auto identity() const { return std::tie(namespace_id, group, service, address, agent, app); }
};

/// Rows of one node, sorted by identity, each once.
struct subscriber_rows {
  std::vector<subscriber_row> rows;
  /// There are more than one answer may hold.
  bool cut = false;

  auto fields() { return std::tie(rows, cut); }
};

struct subscriber_query {
  std::uint64_t id = 0;
  subscriber_filter wanted;

  auto fields() { return std::tie(id, wanted); }
};

struct subscriber_answer {
  std::uint64_t id = 0;
  subscriber_rows found;

  auto fields() { return std::tie(id, found); }
};

// -- a second opinion ----------------------------------------------------------------------------

/// A persistent instance.
struct probe_target {
  std::string namespace_id;
  std::string group;
  std::string service;
  std::string ip;
  std::uint16_t port = 0;

  auto fields() { return std::tie(namespace_id, group, service, ip, port); }
};

/// A node that suspects itself has another one probe a few of those that it finds dead.
struct probe_query {
  std::uint64_t id = 0;
  std::vector<probe_target> targets;

  auto fields() { return std::tie(id, targets); }
};

/// How many of them answered well, and how many did not; the others were not probed.
struct probe_findings {
  std::uint64_t id = 0;
  std::uint32_t well = 0;
  std::uint32_t failed = 0;

  auto fields() { return std::tie(id, well, failed); }
};

/// New kinds go to the end: the index is on the wire.
using cluster_message =
  std::variant<heartbeat, farewell, record_batch, batch_ack, client_verify_failed, renewals,
               verify_request, verify_listing, snapshot_request, snapshot_chunk, service_query,
               service_answer, subscriber_query, subscriber_answer, store_message, probe_query,
               probe_findings>;

/// A message and who sent it.
struct cluster_frame {
  /// The sender's incarnation: a restarted node has a higher one.
  std::int64_t sender_incarnation = 0;
  cluster_message message;
};

} // namespace nacre
