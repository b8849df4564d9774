#pragma once

#include <map>
#include <optional>

#include "actors/actor_base.hpp"
#include "actors/connections/push_channels.hpp"
#include "actors/connections/watch_notices.hpp"
#include "actors/distro/replication.hpp"

namespace nacre {

/// State of a CONNECTION CLIENT: what one gRPC connection publishes and subscribes, whether its
/// client is there, and what is on its way to it (Nacos `ConnectionBasedClient`, `PushExecuteTask`,
/// `RuntimeConnectionEjector`).
struct connection_client_state : actor_state {
  static constexpr const char* name = "connection-client";

  explicit connection_client_state(connection_client_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, connection_ptr connection);

  void on_publish(publish_instances& msg);
  void on_withdraw(const withdraw_instances& msg);
  void on_subscribe(const subscribe_service& msg);
  void on_unsubscribe(const unsubscribe_service& msg);
  void on_refused(const publish_refused& msg);
  void on_confirm_connection(const confirm_connection& msg);
  void on_push(const view_push& msg);
  void on_answered(const request_answered& msg);
  void on_drained(const link_drained& msg);
  void on_disconnected(const client_disconnected& msg);
  void on_reset(const reset_connection& msg);
  void on_watch(const watch_services& msg);
  void on_cancel_watch(const cancel_watch& msg);
  void on_presence(const presence_changed& msg);
  void on_fuzzy_watch_restarted(const fuzzy_watch_restarted& msg);
  void on_ring(const ring& msg);
  void on_announce(const announce_changes& msg);

  std::string key() const { return connection->info.id; }
  std::string summary() const;
  void details(json_writer& out) const;

private:
  lease_ptr new_lease(const service_ref& service);
  bool send_publish(const publication_ptr& x, change_cause cause, ticket_ptr answer,
                    publication_ptr before = nullptr);
  /// After a restart: whatever the failed actor had on its way goes out once more.
  void send_all_rows();
  /// Messages of a failed actor, or to it, may be lost: all services look for themselves.
  void verify_with_services();
  void push_view(const service_view& view, const std::string& clusters, steady_time changed_at);
  void push_due(steady_time now);
  void send_notices(steady_time now);
  /// Calls `f(const std::string& key)` for each that is there, until it returns false.
  template <class F>
  void for_each_present(const watch_pattern& x, F f) const;
  /// One more than a pattern may match, if there are more.
  std::set<std::string> present_services(const watch_pattern& x) const;
  /// Tells the client what it does not know yet of `matched`.
  /// @returns whether the client is to hear of one more service that matches
  bool tell_more(connection_rows::watch& watch, const std::string& key);
  /// Tells of services that there was no room for, once there is.
  void make_up(connection_rows::watch& watch, steady_time now);
  void sync_watch(const watch_services& msg, const std::set<std::string>& matched);
  void tell_whether_watching();
  /// Probes a silent client, ends a reset one. @returns false if the connection has ended
  bool check_liveness(steady_time now);
  bool is_isolated() const;
  void arm(steady_time due);
  std::uint64_t next_request_id() { return ++context->counters.last_request_id; }

  connection_client_actor::pointer self;
  node_context_ptr context;
  connection_ptr connection;
  std::optional<replicator> records;
  std::optional<push_channels> pushes;
  std::optional<watch_notices> notices;
  /// When the client was asked whether it is there; nothing while it is not in doubt.
  std::optional<steady_time> detection_sent;
  /// When a client that was asked to connect anew loses its stream; nothing if it was not asked.
  std::optional<steady_time> reset_until;
  alarm timer;
};

/// One that takes the place of a failed one goes on with the rows that it left.
connection_client_actor::behavior_type
connection_client(connection_client_actor::stateful_pointer<connection_client_state> self,
                  node_context_ptr context, connection_ptr connection, birth_ptr birth);

/// Admits a connection, spawns its actor and tells the supervisor.
connection_table::admission open_connection(caf::actor_system& system,
                                            const node_context_ptr& context,
                                            const connection_ptr& connection);

/// The connection is gone: from here on nothing of the connection is left to keep.
void end_connection(const connection_ptr& connection, change_reason why);

} // namespace nacre
