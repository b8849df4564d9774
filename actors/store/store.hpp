#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "actors/actor_base.hpp"
#include "actors/store/agreed_state.hpp"
#include "actors/store/raft_core.hpp"
#include "actors/store/store_disk.hpp"
#include "actors/store/store_members.hpp"

namespace nacre {

/// State of the STORE: this node's member of the group that agrees, and what is agreed on. It
/// begins from the disk, whatever was before, and one that begins again shows readers nothing older
/// than they saw.
struct store_state : actor_state {
  static constexpr const char* name = "store";
  static constexpr bool has_own_thread = true;

  explicit store_state(store_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_propose(propose& msg);
  void on_state_wanted(const agreed_state_wanted& msg);
  void on_confirm_reads(confirm_reads& msg);
  void on_transfer(transfer_leadership& msg);
  void on_remove_member(remove_member& msg);
  void on_describe(const describe_store& msg);
  void on_heard(store_heard& msg);
  void on_loaded(const store_loaded& msg);
  void on_round_written(const round_written& msg);
  void on_state_part_written(const state_part_written& msg);
  void on_disk_failed(const disk_failed& msg);
  void on_ask_disk_again(const ask_disk_again& msg);
  void on_readers_saw(const readers_saw& msg);
  void on_work(const work_on_store& msg);
  void on_tick(const caf::tick_atom& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  /// A write that is to be agreed on.
  struct asked {
    ticket_ptr answer;
    steady_time until;
    /// As it is to be in the log.
    std::string request;
    /// When, and to the leader of which term, it was sent last.
    steady_time sent = never;
    std::uint64_t sent_in_term = 0;
  };

  /// A read that must see all that was acknowledged before it.
  struct read {
    ticket_ptr answer;
    steady_time until;
    steady_time sent = never;
    /// What it must see; nothing as long as the leader did not say.
    std::optional<std::uint64_t> index = {};
  };

  // -- store.cpp
  /// Does what the core wants done when this turn is over.
  void work_later();
  void work();
  void apply_committed();
  void apply(const raft::entry& x, agreed_on& out);
  bool may_show() const;
  void show_state();
  readers_saw when_seen();
  std::uint64_t seen_index() const;
  /// Stores the state in place of a log that has become long.
  void shorten_log();
  void offer_state();
  void begin_to_store(std::shared_ptr<const raft::state_image> image);
  void send_to_disk();
  void disk_works();
  void keeps_time();

  // -- store_requests.cpp: what waits for the group
  void send_waiting();
  void send_to_leader(asked& x);
  /// Those that are for another node.
  void send_requests();
  /// @throws unreadable_frame
  void propose_once(std::string request);
  void expire(steady_time now);
  void ask_leader(std::uint64_t id, read& x);
  void take_reads();
  void answer_reads();
  bool refuse_unless_leader(const ticket_ptr& answer) const;
  raft::member_id find_member(const std::string& text) const;
  raft::member_id best_successor() const;

  // -- store_peers.cpp: the stores of other nodes
  void on_peer(const store_heard& from, const store_hello& x);
  void on_peer(const store_heard& from, const store_offer& x);
  /// Notes where its sender is.
  bool is_of_group(const store_heard& from);
  void on_peer(const store_heard& from, store_raft& x);
  void on_peer(const store_heard& from, store_request& x);
  void on_peer(const store_heard& from, const store_read& x);
  void on_peer(const store_heard& from, const store_read_answer& x);
  bool send(raft::member_id to, decltype(store_message::what) what);
  bool send(const std::string& address, decltype(store_message::what) what);
  void send_messages();
  void list_members();
  void say_hello();
  void greet(const std::string& address);
  /// As a member of a group that begins, or of one that takes this node in.
  void found(std::uint64_t group, raft::membership group_members);
  /// Of a group that never did anything.
  void leave_group(std::string_view why);
  void begin_a_group();
  void tend_group();
  bool is_blank() const { return !core || core->entries().last_index() == 0; }
  bool never_voted() const { return !core || core->term() == 0; }
  raft::member_id leader() const { return core ? core->leader() : raft::nobody; }
  std::uint64_t random_id() { return random() | 1; }

  // -- store_report.cpp
  std::string address_of(raft::member_id x) const;
  void publish_view();
  void write_members(json_writer& out) const;

  static constexpr std::size_t waiting_max = 10'000;
  static constexpr std::size_t requests_in_log_max = 100'000;

  store_actor::pointer self;
  node_context_ptr context;
  /// Of this life: requests carry it, so that none takes effect twice.
  std::uint64_t session = 0;
  std::mt19937_64 random;
  steady_time began{};
  bool works_soon = false;

  /// Without a group: as it will be called.
  store_identity identity;
  std::optional<raft::core> core;
  agreed_state state;
  /// One that the leader sent, on its way to the disk.
  agreed_state arriving;
  /// The last entry that made it.
  std::uint64_t state_at = 0;
  /// Whether readers see the state, or did before this STORE began.
  bool shown = false;
  /// Drawn with the whole state that was sent last.
  std::uint64_t showing = 0;
  /// What was sent to be shown, and what of it readers saw: entries of the log.
  std::uint64_t sent = 0;
  std::uint64_t seen = 0;

  std::uint64_t last_number = 0;
  /// What was asked for and is not answered, by number, and the bytes of it.
  std::map<std::uint64_t, asked> proposed;
  std::size_t proposed_bytes = 0;
  /// All up to it were sent to a leader at least once.
  std::uint64_t last_sent = 0;
  /// For the leader, with the next frame.
  std::vector<std::string> for_leader;
  /// Of a leader: what is in its log and not applied, by session and number.
  std::set<std::pair<std::uint64_t, std::uint64_t>> in_log;
  std::uint64_t last_read = 0;
  std::map<std::uint64_t, read> reads;
  /// Of a leader: reads of other nodes, by the number that the core has of them.
  std::map<std::uint64_t, std::pair<raft::member_id, std::uint64_t>> reads_of_others;
  /// A leadership that is being handed over, until then.
  ticket_ptr transfer;
  steady_time transfer_until = never;

  /// In a cluster.
  std::optional<store_members> members;
  bool founding = false;
  steady_time without_leader_since{};
  steady_time hello_said = never;
  std::tuple<store_identity, bool, raft::member_id> hello_content;
  /// Those that were greeted since their link opened.
  std::set<std::string> greeted;
  steady_time offer_sent = never;
  /// Addresses that were complained of in the log.
  std::set<std::string> complained_of;

  /// What was published last.
  std::tuple<std::uint64_t, raft::member_id, raft::membership, std::string> published;

  /// What is on its way to the disk.
  std::shared_ptr<const raft::disk_round> writing;
  std::shared_ptr<const raft::state_image> storing;
  std::size_t storing_part = 0;
  /// Why the disk failed last; empty while it does not.
  std::string failing;
  /// It is to be asked again soon.
  bool asks_again = false;
  steady_time round_began = never;

  /// Of the stored state, or the one that is being stored.
  std::size_t state_bytes = 0;
  std::uint64_t stored_states = 0;
  milliseconds slowest_round{0};
  std::uint64_t rounds = 0;
};

store_actor::behavior_type store(store_actor::stateful_pointer<store_state> self,
                                 node_context_ptr context, birth_ptr birth);

} // namespace nacre
