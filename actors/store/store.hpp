#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "actors/actor_base.hpp"
#include "actors/store/agreed_state.hpp"
#include "actors/store/raft_core.hpp"
#include "actors/store/store_disk.hpp"

namespace nacre {

/// State of the STORE: this node's member of the group that agrees, and what is agreed on. It
/// begins from the disk, whatever was before, and shows readers nothing older than they saw: only
/// when all that is committed has been applied.
struct store_state : actor_state {
  static constexpr const char* name = "store";
  static constexpr bool has_own_thread = true;

  explicit store_state(store_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_loaded(const store_loaded& msg);
  void on_propose(propose& msg);
  void on_state_wanted(const agreed_state_wanted& msg);
  void on_round_written(const round_written& msg);
  void on_state_part_written(const state_part_written& msg);
  void on_disk_failed(const disk_failed& msg);
  void on_ask_disk_again(const ask_disk_again& msg);
  void on_describe(const describe_store& msg);
  void on_tick(const caf::tick_atom& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  struct asked {
    propose what;
    steady_time until;
  };

  /// Does whatever the core wants done now.
  void work();
  void propose_waiting();
  void apply(const raft::entry& x, agreed_on& out);
  void show_state();
  /// Stores the state in place of a log that has become long.
  void shorten_log();
  void send_to_disk();
  void expire(steady_time now);
  bool shows_all() const;

  store_actor::pointer self;
  node_context_ptr context;
  store_identity identity;
  std::optional<raft::core> core;
  agreed_state state;
  /// Whether readers see all of the state.
  bool shown = false;

  /// Of this life: requests carry it, so that none takes effect twice.
  std::uint64_t session = 0;
  std::uint64_t last_number = 0;
  std::deque<asked> waiting;
  std::map<std::uint64_t, asked> proposed;

  /// What is on its way to the disk.
  std::shared_ptr<const raft::disk_round> writing;
  std::shared_ptr<const raft::state_image> storing;
  std::size_t storing_part = 0;
  /// Why the disk failed last; empty while it does not.
  std::string failing;
  /// It is to be asked again soon.
  bool asks_again = false;

  /// Of the stored state, or the one that is being stored.
  std::size_t state_bytes = 0;
  std::uint64_t stored_states = 0;
  milliseconds slowest_round{0};
  std::uint64_t rounds = 0;
};

store_actor::behavior_type store(store_actor::stateful_pointer<store_state> self,
                                 node_context_ptr context, birth_ptr birth);

} // namespace nacre
