#pragma once

#include <optional>
#include <vector>

#include "actors/actor_base.hpp"
#include "actors/base/delay_tasks.hpp"
#include "actors/distro/cluster_context.hpp"

namespace nacre {

/// State of a DISTRO SYNC: changes on their way to one peer (Nacos `DistroDelayTask`,
/// `DistroSyncChangeTask`). A task names a record that changed, by its lease; what is sent is its
/// state at that time. While there is no link nothing is kept: verify finds what the peer missed.
struct distro_sync_state : actor_state {
  static constexpr const char* name = "distro-sync";

  explicit distro_sync_state(distro_sync_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, cluster_peer_ptr peer);

  void on_changed(const client_changed& msg);
  void on_verify_failed(const client_verify_failed& msg);
  void on_ack(const batch_ack& msg);
  void on_link(const link_state& msg);
  void on_ring(const ring& msg);

  std::string key() const { return peer->address; }
  std::string summary() const;
  void details(json_writer& out) const;

private:
  /// The key says all.
  struct distro_delay_task {
    void merge(distro_delay_task&&) {}
  };

  struct lease_hash {
    std::size_t operator()(const lease_ptr& x) const { return std::hash<const lease*>{}(x.get()); }
  };

  using tasks_type = delay_tasks<lease_ptr, distro_delay_task, lease_hash>;
  using task_list = std::vector<std::pair<lease_ptr, distro_delay_task>>;

  /// The batch that waits for its acknowledgement: one at a time.
  struct batch {
    std::uint64_t number = 0;
    steady_time sent{};
    task_list tasks;
  };

  void send_due(steady_time now);
  void send_batch(steady_time now);
  void give_up_batch(steady_time now);
  void arm(steady_time now);
  void count(steady_time now);

  distro_sync_actor::pointer self;
  node_context_ptr context;
  cluster_peer_ptr peer;
  std::optional<tasks_type> tasks;
  std::optional<batch> under_way;
  std::uint64_t last_number = 0;
  unsigned failures = 0;
  alarm timer;
};

distro_sync_actor::behavior_type
distro_sync(distro_sync_actor::stateful_pointer<distro_sync_state> self, node_context_ptr context,
            cluster_peer_ptr peer, birth_ptr birth);

} // namespace nacre
