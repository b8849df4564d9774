// A state of the store as it comes from a disk or from the leader: what can be read is written and
// read again without a difference.
#include "actors/store/agreed_state.hpp"
#include "fuzz.hpp"
#include "protocol/unreadable_frame.hpp"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    auto state = agreed_state::load(fuzz::text_of(data, size));
    auto bytes = state.save();
    fuzz::require(agreed_state::load(bytes).save() == bytes, "a state reads differently");
    state.everything();
  } catch (const unreadable_frame& error) {
    fuzz::require(error.what() != std::string_view(), "an error says nothing");
  }
  return 0;
}
