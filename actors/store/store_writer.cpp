#include "actors/store/store_writer.hpp"

#include "actors/base/batch_threads.hpp"

namespace nacre {

void store_writer_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  if (context->has_threads_for_disk)
    set_batch_work(false);
  if (is_restart(birth))
    self->send(context->actors.store.get(), ask_disk_again{});
}

/// Who asked, who may be in its place only a moment later.
void store_writer_state::tell(auto message) {
  self->send(caf::actor_cast<store_actor>(self->current_sender()), std::move(message));
}

template <class Work>
void store_writer_state::try_to(Work work) {
  try {
    work(*context->disk);
  } catch (const store_error& failed) {
    ++failures;
    tell(disk_failed{failed.what()});
  }
}

void store_writer_state::tell_contents(store_disk& disk) {
  auto found = disk.load();
  tell(store_loaded{found ? std::make_shared<stored_contents>(std::move(*found)) : nullptr});
}

void store_writer_state::on_load(const load_store&) {
  if (auto known = std::exchange(context->read_from_disk, nullptr))
    return tell(store_loaded{std::move(known)});
  try_to([this](store_disk& disk) { tell_contents(disk); });
}

void store_writer_state::on_found(const found_store& msg) {
  try_to([&](store_disk& disk) {
    disk.found({msg.self, msg.group}, msg.members);
    tell_contents(disk);
  });
}

void store_writer_state::on_write(const write_round& msg) {
  try_to([&](store_disk& disk) {
    auto began = context->clock.steady();
    disk.write(*msg.what);
    ++rounds;
    tell(round_written{msg.what->number, context->clock.steady() - began});
  });
}

void store_writer_state::on_write_state(const write_state_part& msg) {
  try_to([&](store_disk& disk) {
    disk.write_state_part(*msg.state, msg.part);
    tell(state_part_written{msg.state->last.index, msg.part,
                            msg.part + 1 == disk.state_parts(*msg.state)});
  });
}

void store_writer_state::on_copy(const copy_store& msg) {
  try {
    complete(msg.answer, {ec::none, context->disk->copy()});
  } catch (const store_error& failed) {
    complete(msg.answer, {ec::unavailable, failed.what()});
  }
}

std::string store_writer_state::summary() const {
  return std::to_string(rounds) + " rounds written, " + std::to_string(failures) + " failures";
}

void store_writer_state::details(json_writer& out) const {
  out.field("rounds", rounds).field("failures", failures).field("bytes", context->disk->size());
}

store_writer_actor::behavior_type
store_writer(store_writer_actor::stateful_pointer<store_writer_state> self,
             node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&store_writer_state::on_load>(self),  on<&store_writer_state::on_found>(self),
    on<&store_writer_state::on_write>(self), on<&store_writer_state::on_write_state>(self),
    on<&store_writer_state::on_copy>(self),  on_status(self),
  };
}

} // namespace nacre
