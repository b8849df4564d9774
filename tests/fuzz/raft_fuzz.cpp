// What a member of the group that has the secret, but not our program, may send to a core: forged,
// replayed and out of order. The core takes it, drops it or fails as a broken invariant, by which
// its actor begins again from the disk; it never does anything else.
#include "actors/store/ensure.hpp"
#include "actors/store/raft_core.hpp"
#include "fuzz.hpp"
#include "protocol/cluster_codec.hpp"

using namespace nacre;

namespace {

constexpr raft::member_id self = 1;

void run(raft::core& core, std::string_view rest) {
  steady_time now{};
  while (rest.size() > 3) {
    now += milliseconds(static_cast<unsigned char>(rest[0]) * 4);
    auto length = static_cast<unsigned char>(rest[1]) * 256u + static_cast<unsigned char>(rest[2]);
    auto bytes = rest.substr(3, length);
    rest.remove_prefix(3 + bytes.size());
    core.tick(now);
    try {
      auto frame = decode_frame(bytes);
      if (auto message = std::get_if<store_message>(&frame.message))
        if (auto x = std::get_if<store_raft>(&message->what))
          core.step({message->from % 4, self, x->term, std::move(x->body)});
    } catch (const unreadable_frame&) {
      core.propose(std::string(bytes)); // so that it has something of its own
    }
    core.take_messages();
    if (auto round = core.take_round())
      core.on_persisted(round->number);
    auto before = core.applied();
    for (auto& x : core.take_committed())
      fuzz::require(x.at.index == ++before, "entries are applied in order");
    fuzz::require(core.applied() <= core.commit(), "nothing is applied before it is committed");
    core.take_reads();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  raft::settings how;
  how.self = self;
  try {
    raft::stored_member stored;
    stored.members.voters = {1, 2, 3};
    raft::core core(how, std::move(stored), {});
    run(core, fuzz::text_of(data, size));
  } catch (const broken_invariant&) {
    // Its actor fails.
  }
  return 0;
}
