#include "protocol/watch_pattern.hpp"

#include "protocol/text.hpp"

namespace nacre {

namespace {

bool matches_item(std::string_view pattern, std::string_view text) {
  bool open_begin = pattern.starts_with('*');
  bool open_end = pattern.size() > 1 && pattern.ends_with('*');
  if (pattern == "*")
    return true;
  auto core = pattern.substr(open_begin ? 1 : 0);
  if (open_end)
    core.remove_suffix(1);
  if (open_begin && open_end)
    return text.find(core) != std::string_view::npos;
  return open_begin ? text.ends_with(core) : open_end ? text.starts_with(core) : text == core;
}

} // namespace

std::string_view fixed_begin(std::string_view item) {
  if (item.starts_with('*'))
    return {};
  if (item.ends_with('*'))
    item.remove_suffix(1);
  return item;
}

bool watch_pattern::matches(const service_key_view& key) const {
  return key.namespace_id == namespace_id && matches_item(group, key.group)
         && matches_item(service, key.name);
}

std::optional<watch_pattern> parse_watch_pattern(std::string_view text) {
  auto first = text.find(">>");
  auto second = first == text.npos ? text.npos : text.find(">>", first + 2);
  if (second == text.npos || text.find(">>", second + 2) != text.npos)
    return std::nullopt;
  watch_pattern x{std::string(text.substr(0, first)),
                  std::string(text.substr(first + 2, second - first - 2)),
                  std::string(text.substr(second + 2))};
  if (is_blank(x.namespace_id) || is_blank(x.group) || is_blank(x.service))
    return std::nullopt;
  return x;
}

std::string watched_key(const service_key_view& key) {
  return std::string(key.namespace_id).append("@@").append(key.grouped_name());
}

} // namespace nacre
