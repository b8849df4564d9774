#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace nacre {

/// A setting that stops the start. `what()` is one line for the operator: it names the source, the
/// key, the bad value (never a secret one) and what would be right.
class config_error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// `text` fit for one line of output: control characters replaced, cut when long.
std::string printable(std::string_view text);

/// The same in quotes.
std::string in_quotes(std::string_view text);

/// Number of characters to insert, remove or replace to get from `a` to `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// ", did you mean 'x'?" for the candidate that `word` is probably a typing error of, else "".
template <class Range>
std::string suggestion(std::string_view word, const Range& candidates) {
  constexpr std::size_t word_max = 100; // the distance is quadratic
  if (word.size() > word_max)
    return "";
  std::string_view best;
  auto best_distance = std::min(word.size() / 3, std::size_t{3}) + 1; // from here on another word
  for (const auto& candidate : candidates) {
    if (const auto distance = edit_distance(word, candidate); distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : ", did you mean " + in_quotes(best) + "?";
}

} // namespace nacre
