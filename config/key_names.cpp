#include "config/key_names.hpp"

namespace nacre {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string variable(std::string_view key, bool keep_dashes) {
  std::string result;
  for (const char c : key) {
    if (c == '.' || (c == '-' && keep_dashes))
      result += '_';
    else if (c != '-')
      result += upper(c);
  }
  return result;
}

} // namespace

std::string canonical_key(std::string_view key) {
  std::string result;
  for (const char c : key)
    if (c != '-' && c != '_')
      result += lower(c);
  return result;
}

std::string compact_variable(std::string_view key) { return variable(key, false); }

std::string spaced_variable(std::string_view key) { return variable(key, true); }

} // namespace nacre
