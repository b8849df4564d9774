#include "protocol/store_codec.hpp"

#include "protocol/wire_archive.hpp"

namespace nacre {

// Found by the archive, beside those that it knows.

static void complete(health_checker& x) {
  if (x.type > health_checker::kind::none)
    throw unreadable_frame("a health check of a kind nobody knows");
}

static void complete(selector& x) {
  if (x.type > selector::kind::label)
    throw unreadable_frame("a selector of a kind nobody knows");
}

static void complete(override_change& x) {
  if (x.how > override_change::kind::remove_metadata)
    throw unreadable_frame("a change of a kind nobody knows");
}

namespace {

constexpr std::uint8_t version = 1;

} // namespace

std::string encode_request(const agreed::request& x) { return wire::to_bytes(version, x); }
agreed::request decode_request(std::string_view bytes) {
  return wire::from_bytes<agreed::request>(version, bytes);
}

} // namespace nacre
