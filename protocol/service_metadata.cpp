#include "protocol/service_metadata.hpp"

#include <cmath>
#include <optional>
#include <set>

#include "protocol/json_reader.hpp"
#include "protocol/text.hpp"

namespace nacre {

std::string_view to_string(health_checker::kind type) {
  switch (type) {
    case health_checker::kind::tcp:
      return "TCP";
    case health_checker::kind::http:
      return "HTTP";
    case health_checker::kind::mysql:
      return "MYSQL";
    case health_checker::kind::none:
      break;
  }
  return "NONE";
}

const cluster_metadata& cluster_of(const service_metadata_ptr& service, std::string_view name) {
  static const cluster_metadata defaults;
  if (!service)
    return defaults;
  auto known = service->clusters.find(name);
  return known == service->clusters.end() ? defaults : known->second;
}

namespace {

std::string text_member(const json_value& object, std::string_view key) {
  return object[key].scalar_text().value_or("");
}

/// `CONSUMER.label.A = PROVIDER.label.A & …` names the labels A, …
std::vector<std::string> labels_of(std::string_view expression) {
  std::vector<std::string> labels;
  for (auto term : split(expression, '&')) {
    auto side = trim(term.substr(0, term.find('=')));
    constexpr std::string_view prefix = "CONSUMER.label.";
    if (side.starts_with(prefix))
      labels.emplace_back(side.substr(prefix.size()));
  }
  return labels;
}

} // namespace

std::optional<health_checker> parse_health_checker(std::string_view json) {
  json_document document(json);
  auto root = document.root();
  if (!root.is_object())
    return std::nullopt;
  using kind = health_checker::kind;
  health_checker checker;
  auto type = text_member(root, "type");
  checker.type = kind::none;
  for (auto known : {kind::tcp, kind::http, kind::mysql})
    if (equals_ignore_case(type, to_string(known)))
      checker.type = known;
  checker.path = text_member(root, "path");
  checker.headers = text_member(root, "headers");
  if (auto code = root["expectedResponseCode"].number(); code && std::abs(*code) < 100'000)
    checker.expected_response_code = static_cast<std::int32_t>(*code);
  checker.user = text_member(root, "user");
  checker.password = text_member(root, "pwd");
  checker.command = text_member(root, "cmd");
  return checker;
}

namespace {

/// A node of a map with its pointers, and what an allocation adds.
constexpr std::size_t node_bytes = 96;

std::size_t bytes_of(const metadata_map& map) {
  std::size_t bytes = 0;
  for (auto& [key, value] : map)
    bytes += sizeof(metadata_map::value_type) + key.size() + value.size();
  return bytes;
}

} // namespace

std::size_t bytes_of(const service_metadata& x) {
  auto bytes = sizeof x + bytes_of(x.metadata) + x.selector.expression.size();
  for (auto& label : x.selector.labels)
    bytes += sizeof label + label.size();
  for (auto& [name, cluster] : x.clusters) {
    auto& checker = cluster.checker;
    bytes += node_bytes + sizeof cluster + name.size() + bytes_of(cluster.metadata)
             + checker.path.size() + checker.headers.size() + checker.user.size()
             + checker.password.size() + checker.command.size();
  }
  return bytes;
}

std::size_t bytes_of(const override_table& x) {
  std::size_t bytes = 0;
  std::set<const instance_override*> seen;
  for (auto& [id, content] : x) {
    bytes += node_bytes + id.size();
    if (seen.insert(content.get()).second)
      bytes += sizeof *content + bytes_of(content->metadata);
  }
  return bytes;
}

parsed_selector parse_selector(std::string_view json) {
  json = trim(json);
  if (json.empty() || json == "null")
    return {true, selector{}};
  json_document document(json);
  auto root = document.root();
  if (!root.is_object())
    return {false, std::nullopt};
  auto type = text_member(root, "type");
  if (type == "none")
    return {true, selector{}};
  if (type != "label")
    return {true, std::nullopt};
  selector result;
  result.type = selector::kind::label;
  result.expression = text_member(root, "expression");
  result.labels = labels_of(result.expression);
  return {true, std::move(result)};
}

} // namespace nacre
