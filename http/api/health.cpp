// /nacre/admin/health: what the health checks of persistent instances found.
#include "http/api/admin_call.hpp"
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// `90s`, `15m`, `12h`, `7d`; a number alone is seconds.
std::optional<milliseconds> parse_span(std::string_view text) {
  constexpr std::pair<char, std::int64_t> units[] = {
    {'s', 1}, {'m', 60}, {'h', 60 * 60}, {'d', 24 * 60 * 60}};
  std::int64_t seconds = 1;
  for (auto& [letter, length] : units)
    if (text.ends_with(letter)) {
      text.remove_suffix(1);
      seconds = length;
      break;
    }
  auto number = parse_int32(text);
  if (!number || *number < 0)
    return std::nullopt;
  return milliseconds(*number * seconds * 1'000);
}

std::optional<reply> show_health(http_call& c) {
  describe_health request;
  request.service = named_service(c, "service");
  if (auto text = c.optional("dead_for"); !text.empty()) {
    request.dead_for = parse_span(text);
    if (!request.dead_for)
      return report_or_error({ec::illegal_value, "dead_for is a span of time such as 7d or 90s"});
  }
  request.offset = static_cast<std::size_t>(std::max(c.int_or("offset", 0), 0));
  request.limit = static_cast<std::size_t>(std::clamp(c.int_or("limit", 100), 0, 10'000));
  request.answer = c.later(report_or_error);
  caf::anon_send(c.context().actors.health.get(), std::move(request));
  return std::nullopt;
}

} // namespace

void add_health_routes(route_table& table) {
  table["/nacre/admin/health"] = {api_family::admin, show_health};
}

} // namespace nacre
