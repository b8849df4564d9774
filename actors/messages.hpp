#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/fwd.hpp>

#include "actors/history.hpp"
#include "actors/publication.hpp"
#include "actors/service_view.hpp"
#include "actors/ticket.hpp"
#include "protocol/cluster_message.hpp"
#include "protocol/service_metadata.hpp"

/// The messages between the actors of one node. They stay inside the process, so they carry
/// shared immutable values as they are.
namespace nacre {

/// Why a change happens and who asked for it.
struct change_cause {
  change_reason why = change_reason::request;
  /// Address of the caller; null if it is the client itself.
  std::shared_ptr<const std::string> by = nullptr;
};

// -- to a SERVICE --------------------------------------------------------------------------------

struct publish {
  publication_ptr what;
  change_cause cause;
  ticket_ptr answer = nullptr;
  /// What the client's row held before, null if nothing: so the service finds its place sooner.
  publication_ptr before = nullptr;
};

struct withdraw {
  lease_ptr held_by;
  change_cause cause;
  ticket_ptr answer;
};

struct subscribe {
  subscriber_ptr who;
  ticket_ptr answer = nullptr;
};

struct unsubscribe {
  lease_ptr held_by;
  change_cause cause;
  ticket_ptr answer = nullptr;
};

struct stored_changed {
  /// Set when the service is to be created by name, with this kind.
  std::optional<bool> create_ephemeral;
  ticket_ptr answer;
};

/// Subscribers that came before any publisher have waited long enough for their first list.
struct answer_empty {};

struct delete_service {
  ticket_ptr answer;
};

/// From a restarted client shard, by way of the SERVICE REGISTRY.
struct recall {
  std::size_t shard = 0;
  /// Number of the shard's present life; answers to an earlier one are stale.
  std::uint64_t life = 0;
};

/// The actor of a connection failed once, so that messages of it or to it may be lost: the service
/// compares what it believes with the connection, if there still is one.
struct compare_connection {
  std::string connection_id;
};

struct replayed {
  std::size_t shard = 0;
  std::vector<publication_ptr> publications;
  std::vector<subscriber_ptr> subscribers;
};

// -- to the SERVICE REGISTRY ---------------------------------------------------------------------

struct adopt {
  service_ref key;
};

struct respawn_service {
  service_ref key;
};

// -- to a CLIENT SHARD ---------------------------------------------------------------------------

struct register_instance {
  service_ref service;
  client_id client;
  instance what;
  change_cause cause;
  ticket_ptr answer;
};

struct deregister_instance {
  service_ref service;
  client_id client;
  change_cause cause;
  ticket_ptr answer;
};

struct revive_instance {
  service_ref service;
  client_id client;
  ticket_ptr answer;
};

struct subscribe_client {
  service_ref service;
  client_id client;
  std::string clusters;
  std::string app;
  std::string agent;
};

struct publish_refused {
  publication_ptr what;
};

struct replay {
  service_ref service;
};

/// From a peer of the cluster: what it knows of clients of this shard.
struct sync_records {
  /// Address of the peer.
  std::string from;
  std::vector<instance_record> records;
  /// Let go of when readers see all of it; may be null.
  ticket_ptr done;
};

/// A SERVICE has the same instance from a connection that lives: `held_by` is of another node's
/// connection.
struct superseded {
  lease_ptr held_by;
};

/// MEMBERSHIP sees the cluster differently.
struct cluster_changed {
  /// Other nodes are responsible for clients.
  bool ring = false;
  /// Nodes are lost, and with them their connections.
  bool losses = false;
};

struct recalled {
  std::uint64_t life = 0;
  std::vector<publication_ptr> publications;
  std::vector<subscriber_ptr> subscribers;
};

struct recall_started {
  std::uint64_t life = 0;
  std::size_t services = 0;
};

// -- to a CONNECTION CLIENT -----------------------------------------------------------------------

/// The connection's whole publication for one service from here on.
struct publish_instances {
  service_ref service;
  instance_list instances;
  ticket_ptr answer;
};

struct withdraw_instances {
  service_ref service;
  ticket_ptr answer;
};

struct subscribe_service {
  service_ref service;
  std::string clusters;
  std::string app;
  ticket_ptr answer;
};

struct unsubscribe_service {
  service_ref service;
  std::string clusters;
  ticket_ptr answer;
};

/// A restarted service tells what it believes the connection holds on it; null is nothing.
struct check_hold {
  service_ref service;
  lease_ptr published;
  lease_ptr subscribed;
};

/// From the PUSH ENGINE: subscribers want to see this.
struct view_push {
  service_view_ptr view;
  /// When the change happened that this push tells of, ms of the steady clock.
  std::int64_t changed_at_ms = 0;
};

/// The client answered a request of ours.
struct request_answered {
  std::uint64_t request_id = 0;
  bool ok = false;
};

/// The wire takes messages again after it had refused one.
struct link_drained {};

struct connection_lost {
  change_reason why = change_reason::connection_closed;
};

/// An operator wants the client to connect anew, to `server_ip`:`server_port` if they are given.
struct reset_connection {
  std::string server_ip;
  std::string server_port;
};

struct connection_tick {
  /// Ticks of an earlier arming are dropped.
  std::uint64_t generation = 0;
};

/// The client wants to hear which services match a pattern come and go.
struct watch_services {
  std::string pattern;
  /// Whether the client begins: it is told when it has heard of all.
  bool initializing = false;
  /// `namespace@@group@@service` of what it knows already.
  std::vector<std::string> received_keys;
  ticket_ptr answer;
};

struct cancel_watch {
  std::string pattern;
  ticket_ptr answer;
};

/// From the FUZZY WATCH: the first publisher of a service came, or the last one left.
struct presence_changed {
  service_ref service;
  bool present = false;
};

/// The FUZZY WATCH was restarted and may have lost news.
struct resync_watches {};

// -- to the FUZZY WATCH and the CONNECTION REGISTRY -----------------------------------------------

/// A connection begins or ends to watch any pattern.
struct watcher_changed {
  std::string connection_id;
  bool watches = false;
};

struct adopt_connection {
  std::string connection_id;
};

struct respawn_connection {
  std::string connection_id;
};

// -- to the PUSH ENGINE and UDP PUSH -------------------------------------------------------------

struct service_changed {
  service_ref service;
};

struct service_subscribed {
  subscriber_ptr who;
};

/// From a restarted channel: what was on its way to subscribers is lost, tell all of them again.
struct tell_all {};

struct push_tick {
  /// Ticks of an earlier arming are dropped: a delayed message can't be taken back.
  std::uint64_t generation = 0;
};

struct udp_push_task {
  subscriber_ptr who;
  /// Which of the subscriber's selections it is.
  std::string clusters;
  /// `lastRefTime` of the list in it; an older list never follows a newer one.
  std::int64_t list_ref_time_ms = 0;
  /// `lastRefTime` of the datagram, which the ack repeats.
  std::int64_t packet_ref_time = 0;
  std::shared_ptr<const std::string> packet;
  /// When the change happened that this push tells of.
  std::int64_t changed_at_ms = 0;
  bool empty = false;
};

struct udp_ack {
  std::string ip;
  std::uint16_t port = 0;
  std::int64_t packet_ref_time = 0;
};

// -- to METADATA ---------------------------------------------------------------------------------

/// Changes the override of one instance; `metadata_id` is `ip:port:cluster`.
struct overlay_change {
  enum class kind : std::uint8_t {
    /// `overlay` takes the place of what is stored.
    replace,
    /// Its metadata is added to what is stored; without that, all of it is stored.
    add_metadata,
    /// The keys of its metadata are taken out of what is stored.
    remove_metadata,
  };
  std::string metadata_id;
  instance_overlay overlay;
  kind how = kind::replace;
};

struct put_overlays {
  service_ref service;
  std::vector<overlay_change> changes;
  ticket_ptr answer;
};

struct create_service {
  service_ref service;
  service_metadata_ptr metadata;
  ticket_ptr answer;
};

/// Changes what is stored; `change` runs in the METADATA actor on the present value.
struct update_service {
  service_ref service;
  std::function<void(service_metadata&)> change;
  ticket_ptr answer;
};

/// What was stored when it ended: anything newer stays.
struct service_ended {
  service_ref service;
  overlay_table_ptr overlays;
  service_metadata_ptr metadata;
};

struct namespace_record {
  std::string id;
  std::string name;
  std::string description;
};

struct put_namespace {
  namespace_record record;
  bool must_exist = false;
  ticket_ptr answer;
};

struct delete_namespace {
  std::string id;
  ticket_ptr answer;
};

struct set_switch {
  std::string entry;
  std::string value;
  ticket_ptr answer;
};

// -- supervision and inspection ------------------------------------------------------------------

struct respawn_child {
  std::size_t child = 0;
};

/// What a supervisor knows of an actor; given to it at birth, so that its status can tell.
struct actor_origin {
  std::uint64_t parent = 0;
  std::uint32_t restarts = 0;
  std::string last_failure;
};

using actor_origin_ptr = std::shared_ptr<const actor_origin>;

struct status_request {
  /// Whether `details` are wanted.
  bool detailed = false;
};

struct actor_status {
  std::uint64_t id = 0;
  std::string kind;
  std::string key;
  std::uint64_t parent = 0;
  std::string summary;
  std::size_t mailbox_length = 0;
  std::uint64_t messages_handled = 0;
  std::uint32_t restarts = 0;
  std::string last_failure;
  std::int64_t age_ms = 0;
  /// A JSON object; empty unless asked for.
  std::string details;
};

struct inspect {
  /// One actor with its details, or all.
  std::optional<std::uint64_t> id;
  /// Of all: only this kind; empty means any.
  std::string kind;
  std::size_t offset = 0;
  std::size_t limit = 1000;
  /// Completed with `ec::none` and the JSON as text.
  ticket_ptr answer;
};

} // namespace nacre

#define NACRE_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::type)

NACRE_LOCAL_MESSAGE(publish)
NACRE_LOCAL_MESSAGE(withdraw)
NACRE_LOCAL_MESSAGE(subscribe)
NACRE_LOCAL_MESSAGE(unsubscribe)
NACRE_LOCAL_MESSAGE(stored_changed)
NACRE_LOCAL_MESSAGE(answer_empty)
NACRE_LOCAL_MESSAGE(delete_service)
NACRE_LOCAL_MESSAGE(recall)
NACRE_LOCAL_MESSAGE(compare_connection)
NACRE_LOCAL_MESSAGE(replayed)
NACRE_LOCAL_MESSAGE(adopt)
NACRE_LOCAL_MESSAGE(respawn_service)
NACRE_LOCAL_MESSAGE(register_instance)
NACRE_LOCAL_MESSAGE(deregister_instance)
NACRE_LOCAL_MESSAGE(revive_instance)
NACRE_LOCAL_MESSAGE(subscribe_client)
NACRE_LOCAL_MESSAGE(publish_refused)
NACRE_LOCAL_MESSAGE(replay)
NACRE_LOCAL_MESSAGE(sync_records)
NACRE_LOCAL_MESSAGE(superseded)
NACRE_LOCAL_MESSAGE(cluster_changed)
NACRE_LOCAL_MESSAGE(recalled)
NACRE_LOCAL_MESSAGE(recall_started)
NACRE_LOCAL_MESSAGE(publish_instances)
NACRE_LOCAL_MESSAGE(withdraw_instances)
NACRE_LOCAL_MESSAGE(subscribe_service)
NACRE_LOCAL_MESSAGE(unsubscribe_service)
NACRE_LOCAL_MESSAGE(check_hold)
NACRE_LOCAL_MESSAGE(view_push)
NACRE_LOCAL_MESSAGE(request_answered)
NACRE_LOCAL_MESSAGE(link_drained)
NACRE_LOCAL_MESSAGE(connection_lost)
NACRE_LOCAL_MESSAGE(reset_connection)
NACRE_LOCAL_MESSAGE(connection_tick)
NACRE_LOCAL_MESSAGE(watch_services)
NACRE_LOCAL_MESSAGE(cancel_watch)
NACRE_LOCAL_MESSAGE(presence_changed)
NACRE_LOCAL_MESSAGE(resync_watches)
NACRE_LOCAL_MESSAGE(watcher_changed)
NACRE_LOCAL_MESSAGE(adopt_connection)
NACRE_LOCAL_MESSAGE(respawn_connection)
NACRE_LOCAL_MESSAGE(service_changed)
NACRE_LOCAL_MESSAGE(service_subscribed)
NACRE_LOCAL_MESSAGE(tell_all)
NACRE_LOCAL_MESSAGE(push_tick)
NACRE_LOCAL_MESSAGE(udp_push_task)
NACRE_LOCAL_MESSAGE(udp_ack)
NACRE_LOCAL_MESSAGE(put_overlays)
NACRE_LOCAL_MESSAGE(create_service)
NACRE_LOCAL_MESSAGE(update_service)
NACRE_LOCAL_MESSAGE(service_ended)
NACRE_LOCAL_MESSAGE(put_namespace)
NACRE_LOCAL_MESSAGE(delete_namespace)
NACRE_LOCAL_MESSAGE(set_switch)
NACRE_LOCAL_MESSAGE(respawn_child)
NACRE_LOCAL_MESSAGE(status_request)
NACRE_LOCAL_MESSAGE(actor_status)
NACRE_LOCAL_MESSAGE(inspect)

#undef NACRE_LOCAL_MESSAGE
