// /v2/ns/client and /v3/admin/ns/client: who publishes and subscribes what (Nacos
// `ClientInfoControllerV2`, `ClientControllerV3`). Answered from the views: there is no second
// book of clients.
#include <map>

#include "actors/distro/cluster_context.hpp"
#include "http/api/lists.hpp"
#include "http/server/routes.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// What all views together say of one client.
struct client_record {
  client_id id;
  /// Steady clock ms.
  steady_time renewed = never;
  std::vector<std::pair<service_ref, publication_ptr>> publications;
  std::vector<std::pair<service_ref, subscriber_ptr>> subscriptions;
};

template <class F>
void for_each_hold(const http_call& c, F f) {
  c.context().tables.directory.for_each(
    [&](const service_ref& key, const service_actor&, const service_view_ptr& view) {
      if (!view)
        return;
      view->publications.for_each(
        [&](const publication_ptr& x) { f(key, *x->lease, x, subscriber_ptr{}); });
      view->subscribers.for_each(
        [&](const subscriber_ptr& x) { f(key, *x->lease, publication_ptr{}, x); });
    });
}

client_record find_client(const http_call& c) {
  auto id = c.form_text("clientId");
  client_record record;
  bool found = false;
  for_each_hold(c, [&](const service_ref& key, const lease& lease, const publication_ptr& published,
                       const subscriber_ptr& subscribed) {
    if (!id.starts_with(lease.client.ip) || lease.client.to_string() != id)
      return;
    found = true;
    record.id = lease.client;
    record.renewed = std::max(record.renewed, lease.renewed.load());
    if (published)
      record.publications.emplace_back(key, published);
    else
      record.subscriptions.emplace_back(key, subscribed);
  });
  if (c.context().tables.connections.find(id)) {
    record.id = {id, 0, client_kind::connection};
    found = true;
  }
  if (!found)
    throw refusal{result_error(404, result_code::resource_not_found,
                               "clientId [ " + shortened(id, 128) + " ] not exist")};
  return record;
}

std::optional<reply> list_clients(http_call& c) {
  std::map<std::string, bool> ids;
  for_each_hold(c, [&](const service_ref&, const lease& lease, const auto&, const auto&) {
    ids[lease.client.to_string()] = true;
  });
  c.context().tables.connections.for_each([&](const connection_ptr& x) { ids[x->info.id] = true; });
  json_writer out;
  out.begin_array();
  for (auto& [id, there] : ids)
    out.string(id);
  out.end_array();
  return result_reply(out.view());
}

/// Nacos tells more of a connection than of an ip:port.
std::string connection_json(const http_call& c, const connection& x, bool v3) {
  auto port = x.info.remote_address.substr(x.info.remote_address.rfind(':') + 1);
  json_writer out;
  out.begin_object()
    .field("clientId", x.info.id)
    .field("ephemeral", true)
    .field("lastUpdatedTime", to_ms(c.context().clock.wall(x.active)))
    .field("clientType", "connection")
    .field("connectType", "GRPC")
    .field("appName", x.info.app)
    .field("version", x.info.client_version)
    .field("clientIp", x.info.client_ip)
    .key("clientPort");
  v3 ? out.integer(parse_int32(port).value_or(0)) : out.string(port);
  out.end_object();
  return out.take();
}

/// The node that holds a connection of another node, as far as is known; else empty.
std::string holder_of(const http_call& c, const client_record& record) {
  for (auto& [key, x] : record.publications)
    if (auto known = c.context().cluster->replicas.find(record.id, key->view());
        known && known->owner)
      return known->owner->node;
  return {};
}

/// Its own node knows more; here its id tells where it comes from: `<ms>_<ip>_<port>`.
std::string remote_connection_json(const http_call& c, const client_record& record, bool v3) {
  std::string_view id = record.id.ip;
  std::string_view ip;
  std::string_view port;
  auto first = id.find('_');
  auto last = id.rfind('_');
  if (first < last) {
    ip = id.substr(first + 1, last - first - 1);
    port = id.substr(last + 1);
  }
  json_writer out;
  out.begin_object()
    .field("clientId", id)
    .field("ephemeral", true)
    .field("lastUpdatedTime", to_ms(c.context().clock.wall(record.renewed)))
    .field("clientType", "connection")
    .field("connectType", "GRPC")
    .null_field("appName")
    .null_field("version")
    .field("clientIp", ip)
    .key("clientPort");
  v3 ? out.integer(parse_int32(port).value_or(0)) : out.string(port);
  out.field("node", holder_of(c, record)).end_object();
  return out.take();
}

std::string client_json(const http_call& c, bool v3) {
  auto record = find_client(c);
  if (auto x = c.context().tables.connections.find(record.id.ip))
    return connection_json(c, *x, v3);
  if (record.id.kind == client_kind::remote_connection)
    return remote_connection_json(c, record, v3);
  json_writer out;
  out.begin_object()
    .field("clientId", record.id.to_string())
    .field("ephemeral", record.id.kind == client_kind::ephemeral)
    .field("lastUpdatedTime", to_ms(c.context().clock.wall(record.renewed)))
    .field("clientType", "ipPort")
    .field("clientIp", record.id.ip)
    .key("clientPort");
  v3 ? out.integer(record.id.port) : out.string(std::to_string(record.id.port));
  out.end_object();
  return out.take();
}

std::optional<reply> get_client_v2(http_call& c) { return result_reply(client_json(c, false)); }
std::optional<reply> get_client_v3(http_call& c) { return result_reply(client_json(c, true)); }

std::optional<reply> published_v2(http_call& c) {
  json_writer out;
  out.begin_array();
  for (auto& [key, x] : find_client(c).publications)
    for (auto& one : x->instances)
      out.begin_object()
        .field("namespace", key->namespace_id)
        .field("group", key->group)
        .field("serviceName", key->name)
        .key("registeredInstance")
        .begin_object()
        .field("ip", one.ip)
        .field("port", one.port)
        .field("cluster", one.cluster_name)
        .end_object()
        .end_object();
  out.end_array();
  return result_reply(out.view());
}

std::optional<reply> subscribed_v2(http_call& c) {
  json_writer out;
  out.begin_array();
  for (auto& [key, x] : find_client(c).subscriptions)
    out.begin_object()
      .field("namespace", key->namespace_id)
      .field("group", key->group)
      .field("serviceName", key->name)
      .key("subscriberInfo")
      .begin_object()
      .field("app", x->app)
      .field("agent", x->agent)
      .field("addr", x->address())
      .end_object()
      .end_object();
  out.end_array();
  return result_reply(out.view());
}

void write_publisher_v3(json_writer& out, const service_key& key, const publication& x,
                        const instance& one) {
  out.begin_object()
    .field("namespaceId", key.namespace_id)
    .field("groupName", key.group)
    .field("serviceName", key.name)
    .key("publisherInfo")
    .begin_object()
    .field("clientId", x.lease->client.to_string())
    .field("ip", one.ip)
    .field("port", one.port)
    .field("clusterName", one.cluster_name)
    .end_object()
    .null_field("subscriberInfo")
    .end_object();
}

void write_subscriber_v3(json_writer& out, const service_key& key, const subscriber& x) {
  out.begin_object()
    .field("namespaceId", key.namespace_id)
    .field("groupName", key.group)
    .field("serviceName", key.name)
    .null_field("publisherInfo")
    .key("subscriberInfo")
    .begin_object()
    .field("clientId", x.lease->client.to_string())
    .field("appName", x.app)
    .field("agent", x.agent)
    .field("address", x.address())
    .end_object()
    .end_object();
}

std::optional<reply> published_v3(http_call& c) {
  json_writer out;
  out.begin_array();
  for (auto& [key, x] : find_client(c).publications)
    for (auto& one : x->instances)
      write_publisher_v3(out, *key, *x, one);
  out.end_array();
  return result_reply(out.view());
}

std::optional<reply> subscribed_v3(http_call& c) {
  json_writer out;
  out.begin_array();
  for (auto& [key, x] : find_client(c).subscriptions)
    write_subscriber_v3(out, *key, *x);
  out.end_array();
  return result_reply(out.view());
}

/// The optional filter by address of the `…/service/{publisher,subscriber}/list` calls.
struct address_filter {
  explicit address_filter(const http_call& c)
    : ip(c.form_text_or("ip", "")), port(c.form_int_or("port", -1)) {}
  bool matches(std::string_view x, std::uint16_t p) const {
    return (ip.empty() || ip == x) && (port < 0 || port == p);
  }
  std::string ip;
  std::int32_t port;
};

std::optional<reply> publishers_v2(http_call& c) {
  auto key = c.service();
  address_filter filter(c);
  json_writer out;
  out.begin_array();
  auto view = c.context().tables.directory.find(key->view());
  // Recorded: without both ip and port this call of v2 finds nothing.
  if (view && !filter.ip.empty() && filter.port >= 0)
    view->publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        if (filter.matches(one.ip, one.port))
          out.begin_object()
            .field("ip", one.ip)
            .field("port", one.port)
            .field("cluster", one.cluster_name)
            .field("clientId", x->lease->client.to_string())
            .end_object();
    });
  out.end_array();
  return result_reply(out.view());
}

std::optional<reply> subscribers_v2(http_call& c) {
  auto key = c.service();
  address_filter filter(c);
  json_writer out;
  out.begin_array();
  if (auto view = c.context().tables.directory.find(key->view()))
    view->subscribers.for_each([&](const subscriber_ptr& x) {
      auto& client = x->lease->client;
      if (filter.matches(x->ip(), client.port))
        out.begin_object()
          .field("clientId", client.to_string())
          .field("ip", x->ip())
          .field("port", client.port)
          .end_object();
    });
  out.end_array();
  return result_reply(out.view());
}

std::optional<reply> publishers_v3(http_call& c) {
  auto key = c.service();
  address_filter filter(c);
  json_writer out;
  out.begin_array();
  if (auto view = c.context().tables.directory.find(key->view()))
    view->publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        if (filter.matches(one.ip, one.port))
          write_publisher_v3(out, *key, *x, one);
    });
  out.end_array();
  return result_reply(out.view());
}

std::optional<reply> subscribers_of_service_v3(http_call& c) {
  auto key = c.service();
  address_filter filter(c);
  json_writer out;
  out.begin_array();
  if (auto view = c.context().tables.directory.find(key->view()))
    view->subscribers.for_each([&](const subscriber_ptr& x) {
      if (filter.matches(x->ip(), x->lease->client.port))
        write_subscriber_v3(out, *key, *x);
    });
  out.end_array();
  return result_reply(out.view());
}

} // namespace

void add_client_routes(route_table& table) {
  constexpr auto family = api_family::naming_result;
  auto walk = [&](std::string_view path, handler get) { table[path] = {family, {get, always}}; };
  auto of_service = [&](std::string_view path, handler get) {
    table[path] = {family, {get, names_large_service}};
  };
  walk("/v2/ns/client/list", list_clients);
  walk("/v2/ns/client", get_client_v2);
  walk("/v2/ns/client/publish/list", published_v2);
  walk("/v2/ns/client/subscribe/list", subscribed_v2);
  walk("/v3/admin/ns/client/list", list_clients);
  walk("/v3/admin/ns/client", get_client_v3);
  walk("/v3/admin/ns/client/publish/list", published_v3);
  walk("/v3/admin/ns/client/subscribe/list", subscribed_v3);
  of_service("/v2/ns/client/service/publisher/list", publishers_v2);
  of_service("/v2/ns/client/service/subscriber/list", subscribers_v2);
  of_service("/v3/admin/ns/client/service/publisher/list", publishers_v3);
  of_service("/v3/admin/ns/client/service/subscriber/list", subscribers_of_service_v3);
}

} // namespace nacre
