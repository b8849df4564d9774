// A .properties file: its entries, and the placeholders in their values, which name other entries.
#include <string>
#include <vector>

#include "config/config_error.hpp"
#include "config/placeholders.hpp"
#include "config/properties.hpp"
#include "fuzz.hpp"

using namespace nacre;

namespace {

/// `text` as `java.util.Properties.store` writes it.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      out += '\\';
      out += c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : 'f';
      continue;
    }
    if (std::string_view(" =:#!\\").find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

void check_entries(const std::vector<property>& entries) {
  std::string stored;
  std::size_t line = 0;
  for (auto& entry : entries) {
    fuzz::require(entry.line > line, "lines do not rise");
    line = entry.line;
    stored += escaped(entry.key) + '=' + escaped(entry.value) + '\n';
  }
  if (stored.size() > properties_bytes_max || stored.starts_with("\xEF\xBB\xBF"))
    return;
  auto again = parse_properties(stored);
  fuzz::require(again.size() == entries.size(), "entries were lost on the way");
  for (std::size_t i = 0; i < entries.size(); ++i)
    fuzz::require(again[i].key == entries[i].key && again[i].value == entries[i].value,
                  "an entry reads differently");
}

void resolve(const std::vector<property>& entries) {
  placeholder_lookup lookup = [&](std::string_view name) -> std::optional<placeholder_value> {
    for (auto& entry : entries)
      if (entry.key == name)
        return placeholder_value{entry.value, true};
    return std::nullopt;
  };
  for (auto& entry : entries) {
    try {
      resolve_placeholders(entry.value, lookup);
    } catch (const placeholder_error&) {
      continue;
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    auto entries = parse_properties(fuzz::text_of(data, size));
    check_entries(entries);
    resolve(entries);
  } catch (const properties_error& error) {
    fuzz::require(error.what() != std::string_view(), "an error says nothing");
  }
  return 0;
}
