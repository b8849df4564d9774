#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/json_reader.hpp"
#include "protocol/text.hpp"

/// What the fuzzers have in common.
namespace nacre::fuzz {

/// The input as text.
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the fuzzer, which keeps the input, unless `holds`.
inline void require(bool holds, std::string_view what) {
  if (holds)
    return;
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

inline void require_utf8(std::string_view text) {
  std::string clean(text);
  make_valid_utf8(clean);
  require(clean == text, "a text is not UTF-8");
}

/// JSON as a strict reader takes it; UTF-8 is part of that.
inline void require_json(std::string_view text) {
  json_document document(text);
  require(document.error().empty(), document.error());
}

/// Cuts the text up to `mark` off `rest`; all of it if there is no mark.
inline std::string_view take_until(std::string_view& rest, std::string_view mark) {
  auto end = rest.find(mark);
  auto part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + mark.size());
  return part;
}

} // namespace nacre::fuzz
