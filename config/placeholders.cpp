#include "config/placeholders.hpp"

#include "config/config_error.hpp"

namespace nacre {

namespace {

constexpr std::size_t depth_max = 16;
constexpr std::size_t replaced_max = 1'000;
constexpr std::size_t length_max = 64 * 1024;

/// Where `wanted` is in `text` from `begin` on, outside of inner braces.
std::size_t find_outside_braces(std::string_view text, std::size_t begin, char wanted) {
  std::size_t open = 0;
  for (auto i = begin; i < text.size(); ++i) {
    if (open == 0 && text[i] == wanted)
      return i;
    if (text[i] == '{')
      ++open;
    else if (text[i] == '}' && open > 0)
      --open;
  }
  return text.npos;
}

class resolver {
public:
  explicit resolver(const placeholder_lookup& lookup) : lookup_(lookup) {}

  std::string expand(std::string_view text, std::size_t depth) {
    if (depth > depth_max)
      throw placeholder_error("placeholders nest too deeply or lead back to themselves");
    std::string out;
    for (;;) {
      const auto begin = text.find("${");
      const auto end = begin == text.npos ? begin : find_outside_braces(text, begin + 2, '}');
      if (end == text.npos)
        return out.append(text);
      out.append(text.substr(0, begin));
      out.append(value_of(text.substr(begin + 2, end - begin - 2), depth + 1));
      if (++replaced_ > replaced_max || out.size() > length_max)
        throw placeholder_error("placeholders make the value too long");
      text.remove_prefix(end + 1);
    }
  }

private:
  /// `body` is what stands between the braces.
  std::string value_of(std::string_view body, std::size_t depth) {
    const auto colon = find_outside_braces(body, 0, ':');
    const auto name = body.substr(0, colon);
    if (const auto found = lookup_(expand(name, depth)))
      return found->nested ? expand(found->text, depth) : found->text;
    if (colon == body.npos)
      throw placeholder_error(
        "nothing is named " + in_quotes(name)
        + ", wanted it in the environment, or a default as in ${NAME:default}");
    return expand(body.substr(colon + 1), depth);
  }

  const placeholder_lookup& lookup_;
  std::size_t replaced_ = 0;
};

} // namespace

std::string resolve_placeholders(std::string_view text, const placeholder_lookup& lookup) {
  return resolver(lookup).expand(text, 0);
}

} // namespace nacre
