#pragma once

#include <map>
#include <optional>

#include "actors/actor_base.hpp"
#include "actors/push_channels.hpp"
#include "actors/watch_notices.hpp"

namespace nacre {

/// State of a CONNECTION CLIENT: what one gRPC connection publishes and subscribes, whether its
/// client is there, and what is on its way to it (Nacos `ConnectionBasedClient`, `PushExecuteTask`,
/// `RuntimeConnectionEjector`).
struct connection_client_state : actor_state {
  static inline const char* name = "connection-client";

  explicit connection_client_state(connection_client_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, connection_ptr wire, bool recover);

  void on_publish(publish_instances& msg);
  void on_withdraw(const withdraw_instances& msg);
  void on_subscribe(const subscribe_service& msg);
  void on_unsubscribe(const unsubscribe_service& msg);
  void on_refused(const publish_refused& msg);
  void on_check(const check_hold& msg);
  void on_push(const view_push& msg);
  void on_answered(const request_answered& msg);
  void on_drained(const link_drained& msg);
  void on_lost(const connection_lost& msg);
  void on_reset(const reset_connection& msg);
  void on_watch(const watch_services& msg);
  void on_cancel_watch(const cancel_watch& msg);
  void on_presence(const presence_changed& msg);
  void on_resync(const resync_watches& msg);
  void on_tick(const connection_tick& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  lease_ptr new_lease(const service_ref& service);
  bool send_publish(const publication_ptr& x, change_cause cause, ticket_ptr answer,
                    publication_ptr before = nullptr);
  /// After a restart: whatever the failed actor had on its way goes out once more.
  void send_all_rows();
  /// Messages of a failed actor, or to it, may be lost: all services look for themselves.
  void compare_with_services();
  void push_view(const service_view& view, const std::string& clusters,
                 std::int64_t changed_at_ms);
  void push_due(std::int64_t now_ms);
  void send_notices(std::int64_t now_ms);
  std::set<std::string> present_services(const watch_pattern& x) const;
  /// Tells the client what it does not know yet of `matched`.
  void sync_watch(const watch_services& msg, const std::set<std::string>& matched);
  void tell_whether_watching();
  /// Probes a silent client, ends a reset one. @returns false if the connection has ended
  bool check_liveness(std::int64_t now_ms);
  bool is_cut_off() const;
  void arm(std::int64_t due_ms);
  std::uint64_t next_request_id() { return ++context->counters.last_request_id; }
  std::string details() const;

  connection_client_actor::pointer self;
  node_context_ptr context;
  connection_ptr wire;
  std::optional<push_channels> pushes;
  std::optional<watch_notices> notices;
  /// When the client was asked whether it is there; 0 while it is not in doubt.
  std::int64_t detection_sent_ms = 0;
  /// When a client that was asked to connect anew loses its stream; 0 if it was not asked.
  std::int64_t reset_until_ms = 0;
  std::uint64_t generation = 0;
  std::int64_t armed_for_ms = 0;
};

/// @param recover the actor failed before: go on with the rows it left
connection_client_actor::behavior_type
connection_client(connection_client_actor::stateful_pointer<connection_client_state> self,
                  node_context_ptr context, connection_ptr wire, bool recover,
                  actor_origin_ptr origin);

/// Admits a connection, spawns its actor and tells the supervisor.
connection_table::admission open_connection(caf::actor_system& system,
                                            const node_context_ptr& context,
                                            const connection_ptr& wire);

/// The wire is gone: from here on nothing of the connection is left to keep.
void end_connection(const connection_ptr& wire, change_reason why);

} // namespace nacre
