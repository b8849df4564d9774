#include "protocol/naming_rules.hpp"

#include <algorithm>
#include <array>

#include "protocol/text.hpp"

namespace nacre {

namespace {

/// What a character is, one bit each.
enum char_class : std::uint8_t {
  alnum = 1,
  dash = 2,
  underscore = 4,
  colon_or_dot = 8,
  blank = 16,
  /// May be the first byte of a CJK character.
  cjk_lead = 32,
};

constexpr auto classes = [] {
  std::array<std::uint8_t, 256> result{};
  for (unsigned c = 0; c < 256; ++c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      result[c] = alnum;
    if (c == ' ' || (c >= '\t' && c <= '\r'))
      result[c] = blank;
    if (c >= 0xE4 && c <= 0xE9)
      result[c] = cjk_lead;
  }
  result['-'] = dash;
  result['_'] = underscore;
  result[':'] = result['.'] = colon_or_dot;
  return result;
}();

unsigned class_of(char c) { return classes[static_cast<unsigned char>(c)]; }

/// Whether every character is of one of these classes.
bool all_are(std::string_view text, unsigned allowed) {
  return std::all_of(text.begin(), text.end(), [=](char c) { return class_of(c) & allowed; });
}

/// A CJK character (U+4E00 to U+9FA5) starts at `i`.
bool is_cjk(std::string_view s, std::size_t i) {
  if (class_of(s[i]) != cjk_lead)
    return false;
  auto byte = [&](std::size_t k) { return k < s.size() ? static_cast<unsigned char>(s[k]) : 0u; };
  auto code = ((byte(i) & 15u) << 12) | ((byte(i + 1) & 63u) << 6) | (byte(i + 2) & 63u);
  return code >= 0x4E00 && code <= 0x9FA5;
}

/// `[^\u4E00-\u9FA5\s]*` from byte `from` on.
bool has_no_cjk_or_blank(std::string_view text, std::size_t from = 0) {
  for (auto i = from; i < text.size(); ++i)
    if (class_of(text[i]) == blank || is_cjk(text, i))
      return false;
  return true;
}

bool is_namespace_id(std::string_view x) { return all_are(x, alnum | dash | underscore); }

bool is_namespace_show_name(std::string_view x) {
  return x.find_first_of("@#$%^&*") == std::string_view::npos;
}

/// `^(?!@).((?!@@)[^\u4E00-\u9FA5\s])*$`: the first character may be CJK or blank but not `@`.
bool is_service_name(std::string_view x) {
  if (x.front() == '@' || x.front() == '\n' || x.front() == '\r')
    return false;
  std::size_t second = 1;
  while (second < x.size() && (static_cast<unsigned char>(x[second]) & 0xC0u) == 0x80u)
    ++second;
  return x.find("@@", second) == std::string_view::npos && has_no_cjk_or_blank(x, second);
}

bool is_group(std::string_view x) { return all_are(x, alnum | dash | underscore | colon_or_dot); }

bool is_cluster(std::string_view x) { return all_are(x, alnum | dash | underscore); }

bool is_ip(std::string_view x) { return has_no_cjk_or_blank(x); }

complaint check(std::string_view text, std::string_view field, std::size_t length_max,
                bool (*allowed)(std::string_view)) {
  if (is_blank(text))
    return std::nullopt;
  auto illegal = [&](std::string_view why) {
    return std::string("Param '").append(field).append("' is illegal, ").append(why);
  };
  if (text.size() > length_max && utf16_length(text) > length_max)
    return illegal("the param length should not exceed " + std::to_string(length_max) + ".");
  if (!allowed(text))
    return illegal("illegal characters should not appear in the param.");
  return std::nullopt;
}

complaint check_port(std::string_view text) {
  if (is_blank(text))
    return std::nullopt;
  auto port = parse_int32(text);
  if (!port || *port < 0 || *port > 65535)
    return "Param 'port' is illegal, the value should be between 0 and 65535.";
  return std::nullopt;
}

} // namespace

complaint check_names(const checked_names& names) {
  if (auto c = check(names.namespace_show_name, "namespaceShowName", 256, is_namespace_show_name))
    return c;
  if (auto c = check(names.namespace_id, "namespaceId/tenant", 64, is_namespace_id))
    return c;
  if (auto c = check(names.service_name, "serviceName", 512, is_service_name))
    return c;
  if (auto c = check(names.group, "group", 128, is_group))
    return c;
  if (auto c = check(names.cluster, "cluster", 64, is_cluster))
    return c;
  for (auto cluster : split(names.clusters, ','))
    if (auto c = check(cluster, "cluster", 64, is_cluster))
      return c;
  if (auto c = check(names.ip, "ip", 128, is_ip))
    return c;
  return check_port(names.port);
}

complaint check_clusters_size(std::string_view clusters, std::size_t names_max) {
  constexpr std::size_t name_bytes_max = 64 * 3; // that many characters
  if (clusters.size() <= names_max * (name_bytes_max + 1)
      && static_cast<std::size_t>(std::count(clusters.begin(), clusters.end(), ',')) < names_max)
    return std::nullopt;
  return "Param 'clusters' is illegal, it should name no more than " + std::to_string(names_max)
         + " clusters.";
}

complaint check_metadata_length(const metadata_map& map, std::size_t chars_max) {
  if (map.empty() || metadata_length(map) <= chars_max)
    return std::nullopt;
  return "Param 'Metadata' is illegal, the param length should not exceed "
         + std::to_string(chars_max) + ".";
}

complaint check_instance(const instance& x) {
  auto terms = lease_terms_of(x.metadata);
  if (terms.beat_timeout_ms < terms.beat_interval_ms
      || terms.delete_timeout_ms < terms.beat_interval_ms)
    return "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete "
           "timeout'.";
  if (!all_are(x.cluster_name, alnum | dash))
    return "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: "
           + x.cluster_name + ")";
  return std::nullopt;
}

complaint check_weight(double weight) {
  if (weight > 10'000.0 || weight < 0.0)
    return "instance format invalid: The weights range from 0.0 to 10000.0";
  return std::nullopt;
}

std::string kind_conflict_text(std::string_view grouped_name, bool is_persistent) {
  std::string_view kind = is_persistent ? "persistent" : "ephemeral";
  std::string_view other = is_persistent ? "ephemeral" : "persistent";
  return std::string("Current service ")
    .append(grouped_name)
    .append(" is ")
    .append(kind)
    .append(" service, can't register ")
    .append(other)
    .append(" instance.");
}

std::string service_exists_text(std::string_view grouped_name) {
  return std::string("specified service ").append(grouped_name).append(" already exists!");
}

std::string service_not_found_text(std::string_view grouped_name) {
  return std::string("service ").append(grouped_name).append(" not found!");
}

std::string not_empty_text(std::string_view grouped_name) {
  return std::string("Service ")
    .append(grouped_name)
    .append(" is not empty, can't be delete. Please unregister instance first");
}

grouped_parts split_grouped_name(std::string_view text) {
  auto at = text.find("@@");
  if (at == std::string_view::npos)
    return {default_group, text};
  auto name = text.substr(at + 2);
  return {text.substr(0, at), name.substr(0, name.find("@@"))};
}

complaint check_grouped_name(std::string_view text) {
  auto at = text.find("@@");
  auto rest = at == std::string_view::npos ? std::string_view{} : text.substr(at);
  while (rest.starts_with("@@")) // Java's split drops empty parts at the end
    rest.remove_prefix(2);
  if (rest.empty())
    return "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'";
  if (at == 0)
    return "Param 'serviceName' is illegal, groupName can't be empty";
  return std::nullopt;
}

} // namespace nacre
