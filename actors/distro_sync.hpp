#pragma once

#include <optional>
#include <vector>

#include "actors/actor_base.hpp"
#include "actors/cluster_view.hpp"
#include "actors/delay_tasks.hpp"

namespace nacre {

/// State of a DISTRO SYNC: changes on their way to one peer (Nacos `DistroDelayTask`,
/// `DistroSyncChangeTask`). A task names a record that changed, by its lease; what is sent is its
/// state at that time. While there is no wire nothing is kept: verify finds what the peer missed.
struct distro_sync_state : actor_state {
  static inline const char* name = "distro-sync";

  explicit distro_sync_state(distro_sync_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, cluster_peer_ptr peer);

  void on_changes(const changes_wait& msg);
  void on_wanted(const record_request& msg);
  void on_ack(const batch_ack& msg);
  void on_link(const link_state& msg);
  void on_tick(const sync_tick& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  /// The key says all.
  struct sync_task {
    void merge(sync_task&&) {}
  };

  struct lease_hash {
    std::size_t operator()(const lease_ptr& x) const { return std::hash<const lease*>{}(x.get()); }
  };

  using tasks_type = delay_tasks<lease_ptr, sync_task, lease_hash>;
  using task_list = std::vector<std::pair<lease_ptr, sync_task>>;

  /// The batch that waits for its acknowledgement: one at a time.
  struct batch {
    std::uint64_t number = 0;
    std::int64_t sent_ms = 0;
    task_list tasks;
  };

  void send_due(std::int64_t now_ms);
  void send_batch(task_list due, std::int64_t now_ms);
  void give_up_batch(std::int64_t now_ms);
  void arm(std::int64_t now_ms);
  void count(std::int64_t now_ms);

  distro_sync_actor::pointer self;
  node_context_ptr context;
  cluster_peer_ptr peer;
  std::optional<tasks_type> tasks;
  std::optional<batch> under_way;
  std::uint64_t last_number = 0;
  unsigned failures = 0;
  std::uint64_t generation = 0;
  std::int64_t armed_for_ms = 0;
};

distro_sync_actor::behavior_type
distro_sync(distro_sync_actor::stateful_pointer<distro_sync_state> self, node_context_ptr context,
            cluster_peer_ptr peer, actor_origin_ptr origin);

} // namespace nacre
