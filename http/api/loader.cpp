// /v2/core/loader: connections moved by an operator (Nacos `ServerLoaderController`).
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// `redirectAddress=ip:port`; empty if there is none.
reset_connection read_redirect(const http_call& c) {
  auto address = c.form_text_or("redirectAddress", "");
  if (address.empty())
    return {};
  auto to = split_host_port(address);
  if (!to)
    throw refusal{result_error(400, result_code::parameter_validate_error,
                               "redirectAddress has to be ip:port")};
  return {std::string(to->host), std::to_string(to->port)};
}

reply success() { return text_reply("success"); }

std::optional<reply> current(http_call& c) {
  json_writer out;
  out.begin_object();
  c.context().tables.connections.for_each([&](const connection_ptr& x) {
    auto& info = x->info;
    out.key(info.id)
      .begin_object()
      .key("metaInfo")
      .begin_object()
      .field("connectType", "GRPC")
      .field("clientIp", info.client_ip)
      .field("remoteIp", info.remote_ip)
      .field("version", info.client_version)
      .field("connectionId", info.id)
      .field("createTime", to_ms(info.connected_at))
      .field("lastActiveTime", to_ms(c.context().clock.wall(x->active)))
      .field("appName", info.app)
      .field("tenant", info.tenant)
      .key("labels");
    write(out, info.labels);
    out.end_object().end_object();
  });
  out.end_object();
  return json_reply(out.take());
}

std::optional<reply> reload_client(http_call& c) {
  auto redirect = read_redirect(c);
  if (auto x = c.context().tables.connections.find(c.form_text("connectionId")))
    caf::anon_send(x->actor.get(), std::move(redirect));
  return success();
}

/// Keeps `count` connections; the others have to connect anew.
std::optional<reply> reload_current(http_call& c) {
  auto redirect = read_redirect(c);
  auto keep = static_cast<std::size_t>(std::max(c.form_int("count"), 0));
  auto all = c.context().tables.connections.all();
  for (std::size_t i = std::min(keep, all.size()); i < all.size(); ++i)
    caf::anon_send(all[i]->actor.get(), redirect);
  return success();
}

} // namespace

void add_loader_routes(route_table& table) {
  constexpr auto core = api_family::core;
  table["/v2/core/loader/current"] = {core, {current, always}};
  table["/v2/core/loader/reloadClient"] = {core, reload_client};
  table["/v2/core/loader/reloadCurrent"] = {core, reload_current};
}

} // namespace nacre
