#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/actor_base.hpp"
#include "actors/base/self_suspicion.hpp"
#include "actors/health/check_state.hpp"
#include "actors/health/target_policy.hpp"

namespace nacre {

/// State of the HEALTH CHECK: knows all persistent instances, has those probed that this node is
/// responsible for, and has the STORE agree on it when one of them changes for better or worse
/// (Nacos `HealthCheckTaskV2`, `PersistentHealthStatusSynchronizer`; spec/semantics.md §3). One
/// that takes the place of a failed one has the STORE tell all again.
struct health_check_state : actor_state {
  static constexpr const char* name = "health-check";
  /// When another node is gone it looks at all targets.
  static constexpr bool has_own_thread = true;

  explicit health_check_state(health_check_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_shown(const instance_shown& msg);
  void on_taken(const instance_taken& msg);
  void on_cluster_changed(const cluster_changed& msg);
  void on_probed(targets_probed& msg);
  void on_opinion_wanted(second_opinion_wanted& msg);
  void on_opinion(const second_opinion& msg);
  void on_describe(const describe_health& msg);
  void on_ring(const ring& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  using target_key = std::pair<service_ref, client_id>;

  struct target {
    std::string cluster;
    /// As readers see it; 0 since when if it is healthy.
    std::int64_t unhealthy_since_ms = 0;
    /// Whether this node is responsible.
    bool is_ours = false;
    /// Of those that are ours.
    steady_time next_probe = never;
    std::uint64_t probe_number = 0;
    /// Where its name led; empty if it has an address, or has not been looked up.
    std::string resolved;
    bool is_looked_up = false;
    check_state state;
    // For operators.
    std::optional<probe_answer> last;
    std::int64_t last_ms = 0;
    milliseconds interval{0};
    /// Why it is not probed.
    std::string unprobed;

    bool is_healthy() const { return unhealthy_since_ms == 0; }
  };
  using entry = std::map<target_key, target>::value_type;

  /// What another node wants to know, as far as it is known.
  struct inquiry {
    std::string from;
    probe_findings findings;
    std::size_t awaited = 0;
  };

  bool is_ours(const client_id& client) const;
  /// Changes `x` and keeps the sums right.
  template <class Change>
  void change(target& x, Change f);
  void count(const target& x, int by);
  void take_over(entry& x);
  void let_go(entry& x);
  void schedule(entry& x, milliseconds wait);
  /// By up to that share of it.
  milliseconds varied(milliseconds span, double share);
  void arm();
  bool is_enabled(const service_ref& service) const;
  bool is_cut_off() const;
  /// What is to be asked; nothing if the target is not probed, and then `why`.
  std::optional<probe_order> order_for(const entry& x, const std::vector<std::string>& own_nodes,
                                       complaint& why);
  void probe(std::vector<probe_order> orders);
  /// Where a target is asked: its address, or what its name led to.
  static std::string address_of(const entry& x);
  void take_address(entry& x, const probe_answer& answer);
  void judge(entry& x, const probe_answer& answer);
  void flip(const entry& x, bool healthy);
  /// Whether so many fail at once that the reason is likely to be here.
  bool suspects_itself();
  /// Another node probes some of those that fail.
  void ask_another();
  void take_finding(std::uint64_t number, const probe_answer& answer);
  std::vector<std::string> nodes() const;
  void write(json_writer& out, const entry& x) const;

  health_check_actor::pointer self;
  node_context_ptr context;
  std::optional<target_policy> policy;
  std::mt19937_64 random;
  std::map<target_key, target> targets;
  std::set<std::pair<steady_time, target_key>> due;
  std::unordered_map<std::uint64_t, target_key> under_way;
  std::uint64_t last_number = 0;
  alarm timer;
  /// Of those that are ours.
  std::size_t ours = 0;
  std::size_t healthy = 0;
  /// Are healthy, as readers see it, and did not answer well last.
  std::size_t failing = 0;
  std::optional<self_suspicion> suspicion;
  steady_time asked_another = never;
  std::size_t next_to_ask = 0;
  /// By the number of the probe.
  std::unordered_map<std::uint64_t, std::shared_ptr<inquiry>> inquiries;
};

health_check_actor::behavior_type
health_check(health_check_actor::stateful_pointer<health_check_state> self,
             node_context_ptr context, birth_ptr birth);

} // namespace nacre
