#include "tests/hook/kill_actor.hpp"

#include "actors/node/inspector.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

std::optional<reply> kill_actor(http_call& c) {
  auto path = c.request.uri;
  path.remove_suffix(std::string_view("/kill").size());
  auto id = parse_int64(path.substr(path.rfind('/') + 1)).value_or(0);
  auto inspector = c.context().actors.inspector.get();
  caf::scoped_actor self(inspector->home_system());
  caf::strong_actor_ptr victim;
  self->request(inspector, std::chrono::seconds(2), find_actor{static_cast<std::uint64_t>(id)})
    .receive([&](const found_actor& found) { victim = found.actor; }, [](const caf::error&) {});
  if (!victim)
    return text_error(404, "no actor has this id");
  caf::anon_send_exit(caf::actor_cast<caf::actor>(victim), caf::exit_reason::kill);
  return text_reply("killed");
}

} // namespace

void add_kill_route(route_table& table) {
  table["/nacre/test/actors/*/kill"] = {.family = api_family::admin, .post = kill_actor};
}

} // namespace nacre
