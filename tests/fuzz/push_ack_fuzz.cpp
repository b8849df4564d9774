// Datagrams that arrive on the push socket.
#include "fuzz.hpp"
#include "protocol/push_packet.hpp"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto number = parse_push_ack(fuzz::text_of(data, size));
  if (number) {
    auto again = "{\"type\":\"push-ack\",\"lastRefTime\":\"" + std::to_string(*number) + "\"}";
    fuzz::require(parse_push_ack(again) == number, "an ack reads differently");
  }
  return 0;
}
