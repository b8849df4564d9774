// Switches: each line is `entry=value`. All switches must show as JSON after any of them.
#include "fuzz.hpp"
#include "protocol/client_agent.hpp"
#include "protocol/switch_domain.hpp"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(fuzz::text_of(data, size));
  make_valid_utf8(text); // as parameters arrive
  std::string_view rest = text;
  switch_domain switches;
  while (!rest.empty()) {
    auto value = fuzz::take_until(rest, "\n");
    auto entry = fuzz::take_until(value, "=");
    if (auto complaint = switches.set(entry, value))
      fuzz::require_utf8(*complaint);
    qualifies_for_udp_push(value, switches);
  }
  json_writer out;
  write(out, switches);
  fuzz::require_json(out.view());
  return 0;
}
