#include "tests/hook/kill_actor.hpp"

#include "actors/inspector.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

std::optional<reply> kill_actor(call& c) {
  auto path = c.request.uri;
  path.remove_suffix(std::string_view("/kill").size());
  auto id = parse_int64(path.substr(path.rfind('/') + 1)).value_or(0);
  auto victim = find_actor_by_id(c.context(), static_cast<std::uint64_t>(id));
  if (!victim)
    return text_error(404, "no actor has this id");
  caf::anon_send_exit(victim, caf::exit_reason::kill);
  return text_reply("killed");
}

} // namespace

void add_kill_route(route_table& table) {
  table["/nacre/test/actors/*/kill"] = {.family = api_family::admin, .post = kill_actor};
}

} // namespace nacre
