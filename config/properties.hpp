#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nacre {

/// One entry of a Java .properties text.
struct property {
  std::string key;
  /// Escapes replaced; `${...}` is still in place. Blanks at the end belong to it, as in Java.
  std::string value;
  /// Line the entry begins on; the first line is 1.
  std::size_t line = 0;
};

/// A text that is no .properties text. `what()` never repeats what the text says.
class properties_error : public std::runtime_error {
public:
  properties_error(std::size_t line, const std::string& what)
    : std::runtime_error(what), line(line) {}
  /// Line of the entry that is at fault; 0 = the whole text is.
  std::size_t line;
};

/// Longer texts are refused.
inline constexpr std::size_t properties_bytes_max = 1024 * 1024;

/// Entries of `text` in order, repeated keys included. Reads what `java.util.Properties` reads,
/// with bytes above 127 taken as UTF-8; but half a surrogate pair is an error, and a backslash
/// alone at the end is no entry. Throws `properties_error`. Pure; any thread may call it.
std::vector<property> parse_properties(std::string_view text);

} // namespace nacre
