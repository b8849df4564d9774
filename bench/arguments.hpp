#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

/// The command line as `--name value` pairs. All benches take their sizes this way, so that each
/// can run small inside the tests.
class arguments {
public:
  /// Throws `usage_error` when a word is not in `known` (names without dashes) or lacks a value.
  arguments(int argc, const char* const* argv, const std::vector<std::string_view>& known);

  /// Whether `--help` was given.
  [[nodiscard]] bool help() const { return help_; }

  /// The last value of `--name`, else `preset`.
  [[nodiscard]] std::string text(const std::string& name, std::string preset) const;

  /// As `text`; throws `usage_error` outside of [low, high].
  [[nodiscard]] std::uint64_t whole(const std::string& name, std::uint64_t preset,
                                    std::uint64_t low, std::uint64_t high) const;
  [[nodiscard]] double real(const std::string& name, double preset, double low, double high) const;

  /// Every value of `--name`, in order.
  [[nodiscard]] std::vector<std::string> all(const std::string& name) const;

private:
  bool help_ = false;
  std::map<std::string, std::vector<std::string>> values_;
};

/// `text` as a number in [low, high]; `name` is the option the error speaks of.
std::int64_t parse_whole(const std::string& name, const std::string& text, std::int64_t low,
                         std::int64_t high);

/// The parts of `text` between commas.
std::vector<std::string> split(std::string_view text);

} // namespace nacre::bench
