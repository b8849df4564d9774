// Entries of the store's log: what can be read is written and read again without a difference, and
// a state machine takes it and comes to the same state again from its bytes.
#include "actors/store/agreed_state.hpp"
#include "fuzz.hpp"
#include "protocol/store_codec.hpp"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  agreed_state state;
  std::uint64_t index = 0;
  // Several entries, each behind its length.
  for (auto rest = fuzz::text_of(data, size); rest.size() > 2;) {
    auto length = static_cast<unsigned char>(rest[0]) * 256u + static_cast<unsigned char>(rest[1]);
    auto bytes = rest.substr(2, length);
    rest.remove_prefix(2 + bytes.size());
    try {
      auto request = decode_request(bytes);
      auto written = encode_request(request);
      fuzz::require(written.size() <= bytes.size(), "an entry that grows");
      fuzz::require(encode_request(decode_request(written)) == written, "it reads differently");
      state.apply(request, ++index);
    } catch (const unreadable_frame& error) {
      fuzz::require(error.what() != std::string_view(), "an error says nothing");
    }
  }
  auto saved = state.save();
  fuzz::require(agreed_state::load(saved).save() == saved, "a state reads differently");
  return 0;
}
