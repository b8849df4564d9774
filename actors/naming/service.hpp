#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "actors/actor_base.hpp"
#include "actors/naming/service_table.hpp"

namespace nacre {

/// State of a SERVICE: index over its clients, its view, its part of the history.
struct service_state : actor_state {
  static constexpr const char* name = "service";

  explicit service_state(service_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, service_ref service);

  void on_publish(const client_register_service& msg);
  void on_withdraw(const client_deregister_service& msg);
  void on_subscribe(const client_subscribe_service& msg);
  void on_unsubscribe(const client_unsubscribe_service& msg);
  void on_metadata_changed(const service_metadata_changed& msg);
  void on_overrides_changed(const instance_metadata_changed& msg);
  void on_delete(const delete_service& msg);
  void on_release_first_lists(const release_first_lists& msg);
  void on_shard_asks_rows(const shard_asks_rows& msg);
  void on_verify_connection(const verify_connection& msg);
  void on_shard_gives_rows(const shard_gives_rows& msg);
  void on_tick(const caf::tick_atom& msg);

  std::string key() const { return table->key()->full_name(); }
  std::string summary() const;
  void details(json_writer& out) const;

private:
  /// A restarted service collects from all shards before readers see anything new of it.
  struct rebuilding {
    std::vector<bool> heard;
    std::vector<ticket_ptr> waiting;
    service_view_ptr last_view;
  };

  void on_conflict(const client_register_service& msg);
  void become_persistent();
  /// Tells its owner that it may not stay.
  void refuse(const publication_ptr& x);
  /// A client came back after its node died: what the dead connection held is told to be gone.
  void end_superseded(const publication& x);
  void publish_view();
  /// Readers see the state now: tell them that wait, and those who subscribed.
  void finish_change(bool visible, const ticket_ptr& answer);
  /// While it is rebuilt, an answer waits until readers see what it tells.
  void complete_when_rebuilt(const ticket_ptr& answer);
  /// A subscriber that is back before the publishers must not take an empty list for the truth.
  void complete_when_listed(const ticket_ptr& answer);
  /// Of a restart: connections tell what they hold only if it differs from the last view.
  void take_connection_rows(const service_view& last);
  void reconcile_connections();
  void drop_connection(const client_id& client);
  void send_check(const connection& x);
  void remember(change_kind what, const change_cause& cause, const lease_ptr& who);
  void ask_silent_shards();
  void finish_rebuilding();
  /// A service that nobody publishes ends some time after it was used last.
  void note_use();
  void retire();
  /// Takes over what is stored. @returns whether readers see a difference
  bool load_stored();

  service_actor::pointer self;
  node_context_ptr context;
  std::optional<service_table> table;
  std::unique_ptr<rebuilding> rebuild;
  /// What of this service is in the node's counters.
  std::size_t counted_instances = 0;
  std::size_t counted_subscribers = 0;
  /// Subscribers' answers that wait for the first publisher while the node warms up.
  std::vector<ticket_ptr> first_lists;
  /// Whether readers see any publisher.
  bool present = false;
  /// Last use while nobody publishes.
  steady_time empty_since{};
  /// A tick that looks for the end is under way.
  bool end_watched = false;
};

/// One that takes the place of a failed one goes on from its last view and rebuilds itself from
/// its clients.
service_actor::behavior_type service(service_actor::stateful_pointer<service_state> self,
                                     node_context_ptr context, service_ref key, birth_ptr birth);

/// Sends `message` to the service of `key` and spawns it first if need be.
/// @returns false if the node has as many services as it may have.
template <class Message>
bool send_to_service(caf::local_actor* sender, const node_context_ptr& context,
                     const service_ref& key, Message message);

/// Spawns the actor of a new service and tells its supervisor; null at the bound of services.
service_actor spawn_service(caf::actor_system& system, const node_context_ptr& context,
                            const service_ref& key);

template <class Message>
bool send_to_service(caf::local_actor* sender, const node_context_ptr& context,
                     const service_ref& key, Message message) {
  return context->tables.directory.with_actor(
    key, [&] { return spawn_service(sender->system(), context, key); },
    [&](const service_actor& target) { caf::anon_send(target, std::move(message)); });
}

} // namespace nacre
