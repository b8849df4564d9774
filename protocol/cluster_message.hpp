#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "protocol/instance.hpp"

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
  /// Its beats stopped, says the node that judges it.
  unhealthy,
  /// Its client was lost: beats stopped for longer, or its node is gone. Says who judges it.
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
  /// The node that holds the connection, and its life: empty for clients that beat.
  std::string origin;
  std::int64_t origin_life = 0;
  /// How long ago the sender heard of the client, directly or by others; for clients that beat.
  std::int64_t idle_ms = 0;
  /// Empty unless alive; also for a connection that published an empty list.
  std::vector<instance> instances;

  auto fields() { return std::tie(what, origin, origin_life, idle_ms, instances); }
};

// -- membership ----------------------------------------------------------------------------------

/// What a node knows of another one's life: how long ago somebody heard that one itself.
struct life_sign {
  std::string address;
  std::int64_t life = 0;
  std::int64_t age_ms = 0;

  auto fields() { return std::tie(address, life, age_ms); }
};

/// Sent in a fixed interval, whatever else there is.
struct heartbeat {
  /// Hybrid clock of the sender.
  std::int64_t clock = 0;
  /// The receiver's life as the sender knows it, 0 if not yet.
  std::int64_t your_life = 0;
  /// How long ago the sender heard the receiver itself, -1 if never.
  std::int64_t your_age_ms = -1;
  /// Whether the sender has loaded what the others hold.
  bool loaded = false;
  /// Records it holds.
  std::uint64_t records = 0;
  std::vector<life_sign> others;

  auto fields() { return std::tie(clock, your_life, your_age_ms, loaded, records, others); }
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
struct record_request {
  std::vector<record_key> keys;

  auto fields() { return std::tie(keys); }
};

/// Beats that the sender took for clients which the receiver judges.
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
struct bucket_digests {
  std::vector<std::uint64_t> digests;

  auto fields() { return std::tie(digests); }
};

/// All records, also those that are gone but remembered, of buckets whose digests differ.
struct bucket_listing {
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

/// New kinds go to the end: the index is on the wire.
using cluster_message
  = std::variant<heartbeat, farewell, record_batch, batch_ack, record_request, renewals,
                 bucket_digests, bucket_listing, snapshot_request, snapshot_chunk, service_query,
                 service_answer>;

/// A message and who sent it.
struct cluster_frame {
  /// Number of the sender's present life: a restarted node has a higher one.
  std::int64_t sender_life = 0;
  cluster_message message;
};

} // namespace nacre
