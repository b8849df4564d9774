#pragma once

#include <map>
#include <set>
#include <string>

#include "actors/actor_base.hpp"
#include "actors/delay_tasks.hpp"

namespace nacre {

/// Whom a pending push is for.
struct push_task {
  /// All subscribers of the service, else only `targets`.
  bool to_all = false;
  std::set<client_id> targets;
  /// When the first change happened that it tells of, ms of the steady clock.
  std::int64_t since_ms = 0;

  void merge(push_task&& newer) {
    to_all = to_all || newer.to_all;
    since_ms = std::min(since_ms, newer.since_ms);
    if (to_all)
      targets.clear();
    else
      targets.merge(newer.targets);
  }
};

/// State of the PUSH ENGINE: merges changes, takes the newest view when a push is due and hands
/// it to the channel of each subscriber.
struct push_engine_state : actor_state {
  static inline const char* name = "push-engine";

  explicit push_engine_state(push_engine_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, bool recover);

  void on_changed(const service_changed& msg);
  void on_subscribed(const service_subscribed& msg);
  void on_tell_all(const tell_all& msg);
  void on_tick(const push_tick& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  using task_table = delay_tasks<service_ref, push_task, service_ref_hash, service_ref_equal>;

  /// Pushes what is due and arms the timer for what is not.
  void run();
  /// While the node warms up, an empty list waits for the end of that.
  bool hold_back(const service_view& view, const push_task& task, std::int64_t now_ms);
  void push(const service_ref& service, const push_task& task);
  void push_to(const service_view& view, const subscriber_ptr& who, const push_task& task);
  /// The datagram of one selection, made once per push.
  const udp_push_task& packet(const service_view& view, const std::string& clusters);
  std::int64_t next_packet_ref_time();

  push_engine_actor::pointer self;
  node_context_ptr context;
  std::optional<task_table> tasks;
  /// Datagrams of the push under way by `clusters`.
  std::map<std::string, udp_push_task> packets;
  std::uint64_t generation = 0;
  /// When the armed timer fires.
  std::int64_t armed_for_ms = 0;
};

/// @param recover the engine failed before: tell all subscribers of all services once
push_engine_actor::behavior_type
push_engine(push_engine_actor::stateful_pointer<push_engine_state> self, node_context_ptr context,
            bool recover, actor_origin_ptr origin);

} // namespace nacre
