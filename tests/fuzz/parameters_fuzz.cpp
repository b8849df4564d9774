// Parameters of a request: `u<query>` is read as a query, else the first line is the boundary of a
// multipart form and the rest is its body.
#include "fuzz.hpp"
#include "http/server/parameters.hpp"

using namespace nacre;

namespace {

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    out += '%';
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

/// What was found under `key` is text, and reads the same when it is escaped and read again.
void check_key(const parameters& read, std::string_view key) {
  auto value = read.find(key);
  auto joined = read.joined(key);
  fuzz::require(value.has_value() == joined.has_value(), "found but not joined");
  if (!value)
    return;
  fuzz::require(joined->starts_with(*value), "the first value does not come first");
  fuzz::require_utf8(*joined);
  parameters again;
  fuzz::require(again.add_urlencoded(escaped(key) + '=' + escaped(*value)), "escapes are refused");
  fuzz::require(again.find(key) == value, "an escaped value reads differently");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  parameters read;
  if (text.starts_with('u')) {
    read.add_urlencoded(text.substr(1));
  } else {
    auto boundary = fuzz::take_until(text, "\n");
    read.add_multipart(text, boundary);
  }
  for (auto key : {"", "a", "ip", "serviceName", "metadata"})
    check_key(read, key);
  return 0;
}
