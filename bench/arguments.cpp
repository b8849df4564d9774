#include "bench/arguments.hpp"

#include "bench/failure.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace nacre::bench {

namespace {

template <class Number>
Number parsed(const std::string& name, const std::string& text, Number low, Number high) {
  Number value{};
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  // Written so that a NaN is refused as well.
  if (error != std::errc{} || rest != end || !(value >= low && value <= high))
    throw usage_error("--" + name + " wants a number from " + std::to_string(low) + " to "
                      + std::to_string(high) + ", not " + text);
  return value;
}

} // namespace

arguments::arguments(int argc, const char* const* argv,
                     const std::vector<std::string_view>& known) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      help_ = true;
      return;
    }
    const auto name = word.starts_with("--") ? word.substr(2) : std::string_view{};
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw usage_error("unknown argument " + std::string(word) + ", see --help");
    if (i + 1 == argc)
      throw usage_error(std::string(word) + " wants a value, see --help");
    values_[std::string(name)].emplace_back(argv[++i]);
  }
}

std::string arguments::text(const std::string& name, std::string preset) const {
  const auto i = values_.find(name);
  return i == values_.end() ? std::move(preset) : i->second.back();
}

std::uint64_t arguments::whole(const std::string& name, std::uint64_t preset, std::uint64_t low,
                               std::uint64_t high) const {
  return parsed(name, text(name, std::to_string(preset)), low, high);
}

double arguments::real(const std::string& name, double preset, double low, double high) const {
  return parsed(name, text(name, std::to_string(preset)), low, high);
}

std::vector<std::string> arguments::all(const std::string& name) const {
  const auto i = values_.find(name);
  return i == values_.end() ? std::vector<std::string>{} : i->second;
}

std::int64_t parse_whole(const std::string& name, const std::string& text, std::int64_t low,
                         std::int64_t high) {
  return parsed(name, text, low, high);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> result;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    result.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

} // namespace nacre::bench
