#pragma once

#include <caf/all.hpp>

#include "actors/messages.hpp"

/// All actors of a node, what each takes and answers. Read it as a table of contents. Handles of
/// neighbours come with the NODE CONTEXT at spawn; nothing is looked up globally.
namespace nacre {

/// Every actor conforms to it; the INSPECTOR walks the tree with it.
using status_actor = caf::typed_actor<
  // Tells who it is, how it fares and what it works on.
  caf::replies_to<status_request>::with<actor_status>>;

/// One per service in use: an index over what clients publish and subscribe, plus stored metadata.
/// Publishes an immutable view into the DIRECTORY with every change.
using service_actor = caf::typed_actor<
  // A client publishes; the ticket is completed when readers see it.
  caf::reacts_to<publish>,
  // A client takes back what it published.
  caf::reacts_to<withdraw>,
  // A client wants to hear of changes.
  caf::reacts_to<subscribe>,
  caf::reacts_to<unsubscribe>,
  // The METADATA store has something new about this service.
  caf::reacts_to<stored_changed>,
  // An operator removes the service.
  caf::reacts_to<delete_service>,
  // A restarted CLIENT SHARD asks for what its clients had published and subscribed here.
  caf::reacts_to<recall>,
  // A CONNECTION CLIENT was restarted, or ended after a restart.
  caf::reacts_to<compare_connection>,
  // A CLIENT SHARD has told a restarted service all that it knows of it.
  caf::reacts_to<replayed>,
  // INTERNAL: while the node warms up, an empty first list is answered late.
  caf::reacts_to<answer_empty>,
  // INTERNAL: look whether anybody still needs the service; ask silent shards again.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per node: supervises the services. (Who needs a service first spawns it, under the
/// DIRECTORY's lock; see `service_registry.hpp`.)
using service_registry_actor = caf::typed_actor<
  // A service was spawned and wants a supervisor.
  caf::reacts_to<adopt>,
  // A restarted CLIENT SHARD wants its rows back from all services.
  caf::reacts_to<recall>,
  // INTERNAL: spawn a failed service again.
  caf::reacts_to<respawn_service>>::extend_with<status_actor>;

/// One of S: rows of ip:port clients by hash of their id, and their leases.
using client_shard_actor = caf::typed_actor<
  // A client registers or updates an instance.
  caf::reacts_to<register_instance>,
  caf::reacts_to<deregister_instance>,
  // A beat that changes something: it came for an unhealthy instance.
  caf::reacts_to<revive_instance>,
  // A list query that also subscribes, of a client that was not subscribed yet.
  caf::reacts_to<subscribe_client>,
  // A SERVICE refused what was sent to it; the row must not stay.
  caf::reacts_to<publish_refused>,
  // A restarted SERVICE asks for all that clients of this shard hold on it.
  caf::reacts_to<replay>,
  // A peer of the cluster tells of clients.
  caf::reacts_to<sync_records>,
  // The client of a connection whose node died has shown up elsewhere.
  caf::reacts_to<superseded>,
  // Other nodes are responsible for clients now, or are lost.
  caf::reacts_to<cluster_changed>,
  // To a restarted shard: what its clients had published and subscribed at one service.
  caf::reacts_to<recalled>,
  // To a restarted shard: how many `recalled` there will be.
  caf::reacts_to<recall_started>,
  // INTERNAL: mark and remove what stopped beating.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per gRPC connection: what it publishes and subscribes, its liveness, the pushes on their way
/// to it. Ends with its connection; restarted if it fails before.
using connection_client_actor = caf::typed_actor<
  caf::reacts_to<publish_instances>,
  caf::reacts_to<withdraw_instances>,
  caf::reacts_to<subscribe_service>,
  caf::reacts_to<unsubscribe_service>,
  // A SERVICE refused what was sent to it.
  caf::reacts_to<publish_refused>,
  // A restarted SERVICE compares its idea of this connection with the truth.
  caf::reacts_to<check_hold>,
  // The PUSH ENGINE has news of a subscribed service.
  caf::reacts_to<view_push>,
  // From the wire.
  caf::reacts_to<request_answered>,
  caf::reacts_to<link_drained>,
  caf::reacts_to<connection_lost>,
  // An operator sends the client elsewhere.
  caf::reacts_to<reset_connection>,
  // 3.x clients watch for services that match a pattern.
  caf::reacts_to<watch_services>,
  caf::reacts_to<cancel_watch>,
  caf::reacts_to<presence_changed>,
  caf::reacts_to<resync_watches>,
  // INTERNAL: probe a silent client, send what was not acknowledged again.
  caf::reacts_to<connection_tick>>::extend_with<status_actor>;

/// One per node: supervises the connection clients.
using connection_registry_actor = caf::typed_actor<
  // A connection client was spawned and wants a supervisor.
  caf::reacts_to<adopt_connection>,
  // INTERNAL: spawn a failed one again.
  caf::reacts_to<respawn_connection>>::extend_with<status_actor>;

/// One per node: tells connections that watch patterns which services come and go.
using fuzzy_watch_actor = caf::typed_actor<
  caf::reacts_to<watcher_changed>,
  // A SERVICE got its first publisher or lost its last one.
  caf::reacts_to<presence_changed>>::extend_with<status_actor>;

/// One per node: decides when which subscriber is told of which service.
using push_engine_actor = caf::typed_actor<
  // A service changed in a way that subscribers see.
  caf::reacts_to<service_changed>,
  // Somebody subscribed and wants the present state.
  caf::reacts_to<service_subscribed>,
  // A channel was restarted and may have lost pushes.
  caf::reacts_to<tell_all>,
  // INTERNAL: tasks are due.
  caf::reacts_to<push_tick>>::extend_with<status_actor>;

/// One per node: sends datagrams to 1.x clients, waits for their acks, sends again.
using udp_push_actor = caf::typed_actor<
  caf::reacts_to<udp_push_task>,
  // A datagram arrived on the push socket.
  caf::reacts_to<udp_ack>,
  // INTERNAL: look for acks that did not come.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per node: the only writer of stored metadata (overrides, service metadata, namespaces,
/// switches). A replicated store comes behind the same messages.
using metadata_actor = caf::typed_actor<
  // Overrides of instances of one service.
  caf::reacts_to<put_overlays>,
  caf::reacts_to<create_service>,
  caf::reacts_to<update_service>,
  // A service ended; what is stored about it ends too.
  caf::reacts_to<service_ended>,
  caf::reacts_to<put_namespace>,
  caf::reacts_to<delete_namespace>,
  caf::reacts_to<set_switch>,
  // INTERNAL: forget overrides of instances that are long gone.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per node: answers the admin endpoint by asking the others.
using inspector_actor = caf::typed_actor<
  // Completes the report with all actors or with one.
  caf::reacts_to<inspect>>::extend_with<status_actor>;

/// The root: starts, supervises and ends all others.
using node_actor = caf::typed_actor<
  // INTERNAL: start a failed child again.
  caf::reacts_to<respawn_child>>::extend_with<status_actor>;

} // namespace nacre
