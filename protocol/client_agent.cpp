#include "protocol/client_agent.hpp"

#include <charconv>

#include "protocol/switch_domain.hpp"

namespace nacre {

namespace {

/// Numbers of `text` up to the first character that fits no version; missing ones are 0.
agent_version leading_version(std::string_view text) {
  agent_version version{};
  auto at = text.data();
  auto end = text.data() + text.size();
  for (auto& part : version) {
    auto [next, ec] = std::from_chars(at, end, part);
    if (ec != std::errc{})
      break;
    at = next;
    if (at == end || *at != '.')
      break;
    ++at;
  }
  return version;
}

struct agent_row {
  std::string_view prefix;
  std::string switch_domain::*lowest;
};

constexpr agent_row agents[] = {
  {"Nacos-Java-Client", &switch_domain::push_java_version},
  {"Nacos-Go-Client", &switch_domain::push_go_version},
  {"nacos-go-sdk", &switch_domain::push_go_version},
  {"Nacos-C-Client", &switch_domain::push_c_version},
  {"vip-client4cpp", &switch_domain::push_c_version},
  {"Nacos-CSharp-Client", &switch_domain::push_csharp_version},
  {"Nacos-DNS", &switch_domain::push_python_version},
};

} // namespace

std::optional<agent_version> parse_version(std::string_view text) {
  agent_version version{};
  auto at = text.data();
  auto end = text.data() + text.size();
  for (std::size_t i = 0; i < version.size(); ++i) {
    auto [next, ec] = std::from_chars(at, end, version[i]);
    if (ec != std::errc{})
      return std::nullopt;
    at = next;
    if (i + 1 < version.size() && (at == end || *at++ != '.'))
      return std::nullopt;
  }
  return at == end ? std::optional(version) : std::nullopt;
}

bool qualifies_for_udp_push(std::string_view agent, const switch_domain& switches) {
  if (!switches.push_enabled)
    return false;
  for (auto& row : agents) {
    if (!agent.starts_with(row.prefix))
      continue;
    auto mark = agent.find(":v");
    auto version =
      mark == std::string_view::npos ? agent_version{} : leading_version(agent.substr(mark + 2));
    return version >= leading_version(switches.*row.lowest);
  }
  return false;
}

} // namespace nacre
