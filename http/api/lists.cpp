#include "http/api/lists.hpp"

#include "actors/naming/commands.hpp"
#include "net/plain_address.hpp"
#include "protocol/client_agent.hpp"
#include "protocol/text.hpp"

namespace nacre {

service_view_ptr find_listed(const http_call& c, const service_key_view& key) {
  auto view = c.context().tables.directory.find(key);
  return view && view->listed ? view : nullptr;
}

bool is_large(const http_call& c, const service_key_view& key) {
  constexpr std::size_t large = 1'000;
  auto view = c.context().tables.directory.find(key);
  return view && (view->instances > large || view->subscribers.size() > large);
}

bool names_large_service(const http_call& c) {
  try {
    return is_large(c, c.service()->view());
  } catch (const refusal&) {
    return false; // the handler says it
  }
}

service_view_ptr find_or_refuse_service(const http_call& c, const service_key_view& key) {
  auto view = find_listed(c, key);
  if (!view)
    c.refuse(result_code::service_not_exist,
             "service not found, namespace: " + std::string(key.namespace_id)
               + ", serviceName: " + key.grouped_name());
  return view;
}

instance find_or_refuse_instance(const http_call& c, const service_key_view& key,
                                 std::string_view ip, std::uint16_t port,
                                 std::string_view cluster) {
  auto view = find_listed(c, key);
  if (!view || view->publications.empty())
    c.refuse(result_code::resource_not_found,
             "no ips found for cluster " + std::string(cluster) + " in service "
               + key.grouped_name(),
             404);
  auto found = view->find_instance(ip, port, cluster);
  if (!found)
    c.refuse(result_code::resource_not_found, "no matched ip found!", 404);
  return std::move(*found);
}

rendered_list_ptr list_of(const http_call& c, const service_key_view& key,
                          const instance_selection& wanted) {
  auto cache_millis = c.switches()->default_push_cache_millis;
  if (auto view = c.context().tables.directory.find(key))
    return view->rendered(wanted, cache_millis);
  return std::make_shared<const rendered_list>(
    render_list(key, wanted.clusters, std::make_shared<const rendered_hosts>(), cache_millis,
                c.context().next_ref_time()));
}

std::optional<reply> answer_subscribers(const http_call& c, subscriber_filter wanted,
                                        bool everywhere, render_subscribers render) {
  if (!everywhere || !c.context().cluster) {
    auto found = subscribers_here(c.context(), wanted);
    std::vector<std::string> incomplete;
    if (found.cut)
      incomplete.push_back(c.own_address());
    auto json = render(found.rows, incomplete);
    return c.speaks == dialect::result ? result_reply(json) : json_reply(std::move(json));
  }
  auto answer = c.later([how = c.speaks](const outcome& result) {
    return how == dialect::result ? result_reply(result.text) : json_reply(result.text);
  });
  survey_subscribers(c.context(), std::move(wanted), std::move(render), std::move(answer));
  return std::nullopt;
}

void write_incomplete(json_writer& out, const std::vector<std::string>& nodes) {
  if (nodes.empty())
    return;
  out.key("incomplete").begin_array();
  for (auto& x : nodes)
    out.string(x);
  out.end_array();
}

void subscribe_by_query(const http_call& c, const service_key_view& key, std::string_view clusters,
                        std::string_view ip, std::string_view port_text) {
  auto port = parse_int32(port_text).value_or(0);
  if (port <= 0 || port > 65535 || !qualifies_for_udp_push(c.agent(), *c.switches()))
    return;
  boost::system::error_code ec;
  auto address = plain_address(boost::asio::ip::make_address(std::string(ip), ec));
  if (ec)
    return; // no datagram could be sent there; the client polls anyway
  auto target = address.to_string();
  // Whoever asks over TCP from that address is there: nobody else is told of.
  if (target == *c.request.remote_ip)
    c.context().tables.targets.prove(target, c.context().clock.steady());
  else if (c.context().options.push.udp_caller_only)
    return;
  std::string agent = shortened(c.agent(), 128);
  make_valid_utf8(agent);
  naming::subscribe(c.context(), key, {std::move(target), static_cast<std::uint16_t>(port)},
                    clusters, {shortened(c.optional("app"), 128), std::move(agent)});
}

} // namespace nacre
