#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "actors/actor_base.hpp"
#include "actors/base/delay_tasks.hpp"

namespace nacre {

/// Whom a pending push is for.
struct push_delay_task {
  /// All subscribers of the service, else only `targets`.
  bool to_all = false;
  std::set<client_id> targets;
  /// When the first change happened that it tells of.
  steady_time since{};

  void merge(push_delay_task&& newer) {
    to_all = to_all || newer.to_all;
    since = std::min(since, newer.since);
    if (to_all)
      targets.clear();
    else
      targets.merge(newer.targets);
  }
};

/// State of the PUSH ENGINE: merges changes, takes the newest view when a push is due and hands
/// it to the channel of each subscriber.
struct push_engine_state : actor_state {
  static constexpr const char* name = "push-engine";

  explicit push_engine_state(push_engine_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_changed(const service_changed& msg);
  void on_subscribed(const service_subscribed& msg);
  void on_channel_restarted(const push_channel_restarted& msg);
  void on_ring(const ring& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  using task_table = delay_tasks<service_ref, push_delay_task, service_ref_hash, service_ref_equal>;

  /// Pushes what is due and arms the timer for what is not.
  void run();
  /// While the node warms up, an empty list waits for the end of that.
  bool hold_back(const service_view& view, const push_delay_task& task, steady_time now);
  void push(const service_ref& service, const push_delay_task& task);
  void push_to(const service_view& view, const subscriber_ptr& who, const push_delay_task& task);
  /// The datagram of one selection, made once per push; it has no packet if the list fits none.
  const udp_push_task& packet(const service_view& view, const std::string& clusters);
  std::shared_ptr<const std::string> make_datagram(const service_view& view,
                                                   const rendered_list& list,
                                                   std::int64_t cache_millis,
                                                   const udp_push_task& task);
  void warn_too_large(const service_view& view);
  std::int64_t next_packet_ref_time();

  push_engine_actor::pointer self;
  node_context_ptr context;
  std::optional<task_table> tasks;
  /// Datagrams of the push under way by `clusters`.
  std::map<std::string, udp_push_task> packets;
  /// The instances that fitted no datagram last, and the length of the `clusters` they were not
  /// packed with: with longer ones they need not be tried.
  std::weak_ptr<const rendered_hosts> too_large;
  std::size_t too_large_clusters = 0;
  /// When the log last said of a service that its list is too large; of the last minute.
  std::map<service_ref, steady_time> warned;
  alarm timer;
};

/// One that takes the place of a failed one tells all subscribers of all services once.
push_engine_actor::behavior_type
push_engine(push_engine_actor::stateful_pointer<push_engine_state> self, node_context_ptr context,
            birth_ptr birth);

} // namespace nacre
