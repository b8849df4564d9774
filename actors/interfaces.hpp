#pragma once

#include <caf/all.hpp>

#include "actors/base/alarm.hpp"
#include "actors/messages/connections.hpp"
#include "actors/messages/distro.hpp"
#include "actors/messages/health.hpp"
#include "actors/messages/metadata.hpp"
#include "actors/messages/naming.hpp"
#include "actors/messages/node.hpp"
#include "actors/messages/push.hpp"
#include "actors/messages/store.hpp"

/// All actors of a node, what each takes and answers. Read it as a table of contents. Handles of
/// neighbours come with the NODE CONTEXT at spawn; nothing is looked up globally.
namespace nacre {

/// Every actor conforms to it; the INSPECTOR walks the tree with it.
using status_actor = caf::typed_actor<
  // Tells who it is, how it fares, what it works on and who its children are.
  caf::replies_to<status_request>::with<actor_status>>;

/// One per service in use: an index over what clients publish and subscribe, plus stored metadata.
/// Publishes an immutable view into the DIRECTORY with every change.
using service_actor = caf::typed_actor<
  // A client publishes; the ticket is completed when readers see it.
  caf::reacts_to<client_register_service>,
  // A client takes back what it published.
  caf::reacts_to<client_deregister_service>,
  // A client wants to hear of changes.
  caf::reacts_to<client_subscribe_service>,
  // A client wants to hear no more.
  caf::reacts_to<client_unsubscribe_service>,
  // What is stored about this service changed.
  caf::reacts_to<service_metadata_changed>,
  // Overrides of its instances changed.
  caf::reacts_to<instance_metadata_changed>,
  // An operator removes the service.
  caf::reacts_to<delete_service>,
  // A restarted CLIENT SHARD asks for what its clients had published and subscribed here.
  caf::reacts_to<shard_asks_rows>,
  // A CONNECTION CLIENT was restarted, or ended after a restart.
  caf::reacts_to<verify_connection>,
  // A CLIENT SHARD has told a restarted service all that it knows of it.
  caf::reacts_to<shard_gives_rows>,
  // INTERNAL: while the node warms up, an empty first list is answered late.
  caf::reacts_to<release_first_lists>,
  // INTERNAL: look whether anybody still needs the service; ask silent shards again.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per node: supervises the services. (Who needs a service first spawns it, under the
/// DIRECTORY's lock; see `service_registry.hpp`.)
using service_registry_actor = caf::typed_actor<
  // A service was spawned and wants a supervisor.
  caf::reacts_to<supervise_service>,
  // A restarted CLIENT SHARD wants its rows back from all services.
  caf::reacts_to<shard_asks_rows>,
  // INTERNAL: spawn a failed service again.
  caf::reacts_to<respawn_service>>::extend_with<status_actor>;

/// One of S: rows of ip:port clients by hash of their id, and their leases.
using client_shard_actor = caf::typed_actor<
  // A client registers or updates an instance.
  caf::reacts_to<register_instance>,
  // A client takes its instance back.
  caf::reacts_to<deregister_instance>,
  // A beat that changes something: it came for an unhealthy instance.
  caf::reacts_to<revive_instance>,
  // A list query that also subscribes, of a client that was not subscribed yet.
  caf::reacts_to<subscribe_client>,
  // A SERVICE refused what was sent to it; the row must not stay.
  caf::reacts_to<publish_refused>,
  // A restarted SERVICE asks for all that clients of this shard hold on it.
  caf::reacts_to<service_asks_rows>,
  // A peer of the cluster tells of clients.
  caf::reacts_to<sync_records>,
  // The client of a connection whose node died has shown up elsewhere.
  caf::reacts_to<connection_superseded>,
  // Other nodes are responsible for clients now, or are lost.
  caf::reacts_to<cluster_changed>,
  // To a restarted shard: what its clients had published and subscribed at one service.
  caf::reacts_to<service_gives_rows>,
  // To a restarted shard: how many services will tell.
  caf::reacts_to<shard_recovery_started>,
  // INTERNAL: other nodes are responsible, and not all leases say so yet.
  caf::reacts_to<reassign_more>,
  // INTERNAL: tell peers what this turn changed.
  caf::reacts_to<announce_changes>,
  // INTERNAL: mark and remove what stopped beating.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per gRPC connection: what it publishes and subscribes, its liveness, the pushes on their way
/// to it. Ends with its connection; restarted if it fails before.
using connection_client_actor = caf::typed_actor<
  // The client publishes instances of one service.
  caf::reacts_to<publish_instances>,
  // The client takes back what it published.
  caf::reacts_to<withdraw_instances>,
  // The client wants to hear of changes.
  caf::reacts_to<subscribe_service>,
  // The client wants to hear no more.
  caf::reacts_to<unsubscribe_service>,
  // A SERVICE refused what was sent to it.
  caf::reacts_to<publish_refused>,
  // A restarted SERVICE compares its idea of this connection with the truth.
  caf::reacts_to<confirm_connection>,
  // The PUSH ENGINE has news of a subscribed service.
  caf::reacts_to<view_push>,
  // The client answered a request of ours.
  caf::reacts_to<request_answered>,
  // The link takes messages again.
  caf::reacts_to<link_drained>,
  // The link is gone.
  caf::reacts_to<client_disconnected>,
  // An operator sends the client elsewhere.
  caf::reacts_to<reset_connection>,
  // The client watches for services that match a pattern.
  caf::reacts_to<watch_services>,
  // The client watches a pattern no more.
  caf::reacts_to<cancel_watch>,
  // A service that may match came or went.
  caf::reacts_to<presence_changed>,
  // The FUZZY WATCH may have lost news.
  caf::reacts_to<fuzzy_watch_restarted>,
  // INTERNAL: tell peers what this turn changed.
  caf::reacts_to<announce_changes>,
  // INTERNAL: probe a silent client, send what was not acknowledged again.
  caf::reacts_to<ring>>::extend_with<status_actor>;

/// One per node: supervises the connection clients.
using connection_registry_actor = caf::typed_actor<
  // A connection client was spawned and wants a supervisor.
  caf::reacts_to<supervise_connection>,
  // INTERNAL: spawn a failed one again.
  caf::reacts_to<respawn_connection>>::extend_with<status_actor>;

/// One per node: tells connections that watch patterns which services come and go.
using fuzzy_watch_actor = caf::typed_actor<
  // A connection begins or ends to watch.
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
  caf::reacts_to<push_channel_restarted>,
  // INTERNAL: tasks are due.
  caf::reacts_to<ring>>::extend_with<status_actor>;

/// One per node: sends datagrams to 1.x clients, waits for their acks, sends again.
using udp_push_actor = caf::typed_actor<
  // A list is to be sent.
  caf::reacts_to<udp_push_task>,
  // A datagram arrived on the push socket.
  caf::reacts_to<udp_ack>,
  // INTERNAL: look for acks that did not come.
  caf::reacts_to<ring>>::extend_with<status_actor>;

/// One per node: the door to what all nodes agree on. Checks what is asked for, has the STORE agree
/// on it, and is the only one who shows readers what was agreed on.
using metadata_keeper_actor = caf::typed_actor<
  // Overrides of instances of one service.
  caf::reacts_to<put_overrides>,
  // An operator looks at overrides.
  caf::reacts_to<describe_overrides>,
  // A persistent instance is registered or updated.
  caf::reacts_to<register_instance>,
  // A persistent instance is taken back.
  caf::reacts_to<deregister_instance>,
  // An operator says how a persistent instance is.
  caf::reacts_to<put_health>,
  // A service is created by name.
  caf::reacts_to<create_service>,
  // Settings of a service change.
  caf::reacts_to<update_service>,
  // Settings of a cluster of instances change.
  caf::reacts_to<put_cluster>,
  // A service is removed.
  caf::reacts_to<remove_service>,
  // A namespace is created or changed.
  caf::reacts_to<put_namespace>,
  // A namespace is deleted.
  caf::reacts_to<delete_namespace>,
  // A switch is set.
  caf::reacts_to<set_switch>,
  // The STORE: commands took effect.
  caf::reacts_to<agreed_on>,
  // INTERNAL: readers see what they were shown.
  caf::reacts_to<part_is_seen>,
  // INTERNAL: have overrides of instances that are long gone forgotten.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per node: its member of the group that agrees, and what is agreed on.
using store_actor = caf::typed_actor<
  // The METADATA KEEPER wants something to be agreed on.
  caf::reacts_to<propose>,
  // A restarted METADATA KEEPER wants all that is agreed on.
  caf::reacts_to<agreed_state_wanted>,
  // A read must see all that was acknowledged anywhere.
  caf::reacts_to<confirm_reads>,
  // The node stops, or an operator wants another leader.
  caf::reacts_to<transfer_leadership>,
  // An operator gives up a member.
  caf::reacts_to<remove_member>,
  // A DISTRO PEER: the store of its node says something.
  caf::reacts_to<store_heard>,
  // An operator looks.
  caf::reacts_to<describe_store>,
  // The STORE WRITER: what was on the disk.
  caf::reacts_to<store_loaded>,
  // The STORE WRITER: a round is on the disk.
  caf::reacts_to<round_written>,
  // The STORE WRITER: a part of a state is on the disk.
  caf::reacts_to<state_part_written>,
  // The STORE WRITER: the disk failed.
  caf::reacts_to<disk_failed>,
  // The STORE WRITER is another one; INTERNAL: the disk failed a while ago.
  caf::reacts_to<ask_disk_again>,
  // The METADATA KEEPER: readers see what was agreed on.
  caf::reacts_to<readers_saw>,
  // INTERNAL: do what follows from all that happened in this turn.
  caf::reacts_to<work_on_store>,
  // INTERNAL: time passes for the group, and for those who wait.
  caf::reacts_to<caf::tick_atom>>::extend_with<status_actor>;

/// One per node: has persistent instances probed.
using health_check_actor = caf::typed_actor<
  // The METADATA KEEPER: readers see a persistent instance, or see it changed.
  caf::reacts_to<instance_shown>,
  // The METADATA KEEPER: readers see it no more.
  caf::reacts_to<instance_taken>,
  // MEMBERSHIP: other nodes are responsible.
  caf::reacts_to<cluster_changed>,
  // The PROBER has answers.
  caf::reacts_to<targets_probed>,
  // A DISTRO PEER: its node suspects itself.
  caf::reacts_to<second_opinion_wanted>,
  // A DISTRO PEER: what its node says, as this one suspects itself.
  caf::reacts_to<second_opinion>,
  // An operator looks.
  caf::reacts_to<describe_health>,
  // INTERNAL: probes are due.
  caf::reacts_to<ring>>::extend_with<status_actor>;

/// One per node: the disk of the STORE, on a thread of its own.
using store_writer_actor = caf::typed_actor<
  // Tells what is on the disk.
  caf::reacts_to<load_store>,
  // Makes the node a member of a group, and tells what is on the disk.
  caf::reacts_to<found_store>,
  // Puts a round on the disk.
  caf::reacts_to<write_round>,
  // Puts a part of a state on the disk.
  caf::reacts_to<write_state_part>,
  // Gives an operator a copy of all of it.
  caf::reacts_to<copy_store>>::extend_with<status_actor>;

/// One per node: answers the admin endpoint by walking the tree of actors, from the NODE on.
using inspector_actor = caf::typed_actor<
  // Completes the report with all actors or with one.
  caf::reacts_to<inspect>,
  // Gives the actor of an id.
  caf::replies_to<find_actor>::with<found_actor>>::extend_with<status_actor>;

/// The root: starts, supervises and ends all others.
using node_actor = caf::typed_actor<
  // INTERNAL: start a failed child again.
  caf::reacts_to<respawn_child>>::extend_with<status_actor>;

} // namespace nacre
