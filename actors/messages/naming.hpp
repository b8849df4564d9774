#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/base/local_message.hpp"
#include "actors/base/ticket.hpp"
#include "actors/tables/history.hpp"
#include "actors/tables/publication.hpp"
#include "protocol/instance.hpp"

/// What is said to the actors of `naming/`: services, client shards, the service registry.
namespace nacre {

/// Why a change happens and who asked for it.
struct change_cause {
  change_reason why = change_reason::request;
  /// Address of the caller; null if it is the client itself.
  std::shared_ptr<const std::string> by = nullptr;
};

// -- to a SERVICE --------------------------------------------------------------------------------

/// A client publishes (Nacos `ClientRegisterServiceEvent`). Answered when readers see it.
struct client_register_service {
  publication_ptr what;
  change_cause cause;
  ticket_ptr answer = nullptr;
  /// What the client's row held before, null if nothing: so the service finds its place sooner.
  publication_ptr before = nullptr;
};

/// A client no longer publishes what it held by this lease (Nacos `ClientDeregisterServiceEvent`).
struct client_deregister_service {
  lease_ptr lease;
  change_cause cause;
  ticket_ptr answer;
};

/// A client wants to hear of changes, or of other selections than before (Nacos
/// `ClientSubscribeServiceEvent`).
struct client_subscribe_service {
  subscriber_ptr who;
  ticket_ptr answer = nullptr;
};

/// A client wants to hear no more (Nacos `ClientUnsubscribeServiceEvent`).
struct client_unsubscribe_service {
  lease_ptr lease;
  change_cause cause;
  ticket_ptr answer = nullptr;
};

/// What is stored about the service changed (Nacos `MetadataEvent.ServiceMetadataEvent`).
struct service_metadata_changed {
  /// Set when the service is to be created by name, with this kind.
  std::optional<bool> create_ephemeral;
  ticket_ptr answer;
};

/// Overrides of instances of the service changed (Nacos `MetadataEvent.InstanceMetadataEvent`).
struct instance_metadata_changed {
  ticket_ptr answer;
};

/// Subscribers that came before any publisher have waited long enough for their first list.
struct release_first_lists {};

/// An operator removes the service; refused while it has instances.
struct delete_service {
  ticket_ptr answer;
};

/// The actor of a connection failed once, so that messages of it or to it may be lost: the service
/// compares what it believes with the connection, if there still is one.
struct verify_connection {
  std::string connection_id;
};

// -- to the SERVICE REGISTRY ---------------------------------------------------------------------

/// A service was spawned and wants a supervisor.
struct supervise_service {
  service_ref service;
};

/// It is time to start a failed service again.
struct respawn_service {
  service_ref service;
};

// -- to a CLIENT SHARD ---------------------------------------------------------------------------

/// A client registers or updates an instance.
struct register_instance {
  service_ref service;
  client_id client;
  instance what;
  change_cause cause;
  ticket_ptr answer;
};

/// A client, or somebody in its name, takes its instance back.
struct deregister_instance {
  service_ref service;
  client_id client;
  change_cause cause;
  ticket_ptr answer;
};

/// A beat came for an unhealthy instance: it is healthy again.
struct revive_instance {
  service_ref service;
  client_id client;
  ticket_ptr answer;
};

/// A client that was not subscribed yet asks for a list and wants pushes.
struct subscribe_client {
  service_ref service;
  client_id client;
  std::string clusters;
  std::string app;
  std::string agent;
};

/// A SERVICE refused what was sent to it; the row must not stay. Also to CONNECTION CLIENTS.
struct publish_refused {
  publication_ptr what;
};

/// The same instance has shown up at a living node: what the lost connection of this lease still
/// holds is let go of.
struct connection_superseded {
  lease_ptr lease;
};

// -- recovery ------------------------------------------------------------------------------------
//
// A restarted CLIENT SHARD gets its rows from the services, a restarted SERVICE from the shards:
//
//   CLIENT SHARD  ── shard_asks_rows ──────► SERVICE REGISTRY ── shard_asks_rows ──► each SERVICE
//                 ◄─ shard_recovery_started ─┘ (how many)                               │
//                 ◄────────────────────────── service_gives_rows ───────────────────────┘
//
//   SERVICE       ── service_asks_rows ────► each CLIENT SHARD
//                 ◄─ shard_gives_rows ───────┘

/// A restarted shard wants back what its clients had published and subscribed.
struct shard_asks_rows {
  std::size_t shard = 0;
  /// Answers to an earlier attempt are stale.
  std::uint64_t attempt = 0;
};

/// So many `service_gives_rows` will come.
struct shard_recovery_started {
  std::uint64_t attempt = 0;
  std::size_t services = 0;
};

/// What the clients of the shard had published and subscribed at one service.
struct service_gives_rows {
  std::uint64_t attempt = 0;
  std::vector<publication_ptr> publications;
  std::vector<subscriber_ptr> subscribers;
};

/// A restarted service wants all that clients of the shard hold on it.
struct service_asks_rows {
  service_ref service;
};

/// What the clients of one shard publish and subscribe at the service.
struct shard_gives_rows {
  std::size_t shard = 0;
  std::vector<publication_ptr> publications;
  std::vector<subscriber_ptr> subscribers;
};

} // namespace nacre
