#pragma once

#include "actors/actor_base.hpp"
#include "actors/store/store_disk.hpp"

namespace nacre {

/// State of the STORE WRITER: the disk of the store, for the STORE, since it waits for it. What
/// fails it says, and it is the STORE's to ask again.
struct store_writer_state : actor_state {
  static constexpr const char* name = "store-writer";
  static constexpr bool has_own_thread = true;

  explicit store_writer_state(store_writer_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_load(const load_store& msg);
  void on_found(const found_store& msg);
  void on_write(const write_round& msg);
  void on_write_state(const write_state_part& msg);
  void on_copy(const copy_store& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  /// Does `work` with the disk, or tells what failed.
  template <class Work>
  void try_to(Work work);
  void tell(auto message);
  void tell_contents(store_disk& disk);

  store_writer_actor::pointer self;
  node_context_ptr context;
  std::uint64_t rounds = 0;
  std::uint64_t failures = 0;
};

store_writer_actor::behavior_type
store_writer(store_writer_actor::stateful_pointer<store_writer_state> self,
             node_context_ptr context, birth_ptr birth);

} // namespace nacre
