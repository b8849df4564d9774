#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace nacre {

/// What a placeholder stands for.
struct placeholder_value {
  std::string text;
  /// Whether `${...}` inside of `text` is a placeholder too.
  bool nested = false;
};

/// Finds what `${name}` stands for.
using placeholder_lookup = std::function<std::optional<placeholder_value>(std::string_view name)>;

/// A placeholder that stands for nothing, for itself, or for too much. `what()` names no value.
class placeholder_error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// `text` with each `${name}` and `${name:default}` replaced as Spring does it: names and defaults
/// may hold placeholders, one without its closing brace stays as it is. Throws `placeholder_error`
/// for an unknown name without a default, and at bounds on nesting, number and length.
std::string resolve_placeholders(std::string_view text, const placeholder_lookup& lookup);

} // namespace nacre
