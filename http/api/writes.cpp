#include "http/api/writes.hpp"

#include "actors/naming/commands.hpp"
#include "http/api/instance_form.hpp"
#include "http/api/lists.hpp"
#include "http/api/metadata_batch.hpp"
#include "http/api/service_form.hpp"
#include "http/api/service_json.hpp"
#include "protocol/text.hpp"

namespace nacre {

// -- instances -----------------------------------------------------------------------------------

std::optional<reply> register_instance_call(http_call& c) {
  auto form = read_instance_form(c);
  check_instance_form(c, form.what);
  change_cause cause{change_reason::request, c.caller_unless(form.what.ip)};
  naming::register_instance(c.context(), std::move(form.service), std::move(form.what),
                            std::move(cause), c.later_done());
  return std::nullopt;
}

std::optional<reply> deregister_instance_call(http_call& c) {
  auto form = read_instance_form(c);
  naming::deregister_instance(c.context(), std::move(form.service), form.what,
                              {change_reason::request, c.caller_unless(form.what.ip)},
                              c.later_done());
  return std::nullopt;
}

void send_override(const http_call& c, const service_ref& service, const instance& what,
                   ticket_ptr answer) {
  check_instance_form(c, what);
  override_change change{what.metadata_id(), {what.weight, what.enabled, what.metadata}};
  caf::anon_send(c.context().actors.metadata.get(),
                 put_overrides{service, {std::move(change)}, c.source_ip(), std::move(answer)});
}

namespace {

/// Each version has its own words for it.
std::string no_service_text(const http_call& c, const instance_form& form) {
  auto& key = *form.service;
  if (c.speaks == dialect::result)
    return "service not found, namespace: " + key.namespace_id + ", service: " + key.grouped_name();
  return "service not found, namespace: " + key.namespace_id + ", service: Service{namespace='"
         + key.namespace_id + "', group='" + key.group + "', name='" + key.name
         + "', ephemeral=" + (form.what.ephemeral ? "true" : "false") + ", revision=0}";
}

} // namespace

std::optional<reply> update_instance_call(http_call& c) {
  auto form = read_instance_form(c);
  if (!find_listed(c, form.service->view()))
    c.refuse(result_code::instance_error, no_service_text(c, form));
  send_override(c, form.service, form.what, c.later_done());
  return std::nullopt;
}

namespace {

std::optional<reply> change_metadata(http_call& c, bool remove) {
  auto service = c.service();
  c.speaks == dialect::text ? (void)c.required("metadata") : (void)c.form_text("metadata");
  auto batch = make_metadata_batch(c, service->view(), read_metadata(c), remove);
  if (batch.changes.empty())
    return done_reply(c.speaks, {}, batch.answer_json);
  caf::anon_send(c.context().actors.metadata.get(),
                 put_overrides{service, std::move(batch.changes), c.source_ip(),
                               c.later_json(std::move(batch.answer_json))});
  return std::nullopt;
}

} // namespace

std::optional<reply> put_metadata_call(http_call& c) { return change_metadata(c, false); }
std::optional<reply> delete_metadata_call(http_call& c) { return change_metadata(c, true); }

// -- services ------------------------------------------------------------------------------------

std::optional<reply> create_service_call(http_call& c) {
  auto service = c.service();
  auto metadata = read_service_form(c);
  if (c.speaks == dialect::result)
    metadata.ephemeral = c.form_bool_or("ephemeral", false);
  caf::anon_send(c.context().actors.metadata.get(),
                 create_service{service, std::move(metadata), c.later_done()});
  return std::nullopt;
}

std::optional<reply> update_service_call(http_call& c) {
  auto service = c.service();
  if (c.speaks == dialect::text)
    c.required("protectThreshold");
  caf::anon_send(c.context().actors.metadata.get(),
                 update_service{service, read_service_form(c), c.later_done()});
  return std::nullopt;
}

std::optional<reply> delete_service_call(http_call& c) {
  auto service = c.service();
  if (!c.context().tables.directory.find_actor(service->view()))
    c.refuse(result_code::service_not_exist, service_not_found_text(service->grouped_name()));
  caf::anon_send(c.context().actors.metadata.get(), remove_service{service, c.later_done()});
  return std::nullopt;
}

std::optional<reply> put_cluster_call(http_call& c) {
  auto service = c.service();
  auto form = read_cluster_form(c);
  if (!find_listed(c, service->view()))
    c.refuse(result_code::service_not_exist, "service not found:" + service->grouped_name());
  caf::anon_send(
    c.context().actors.metadata.get(),
    put_cluster{service, std::move(form.name), std::move(form.settings), c.later_done()});
  return std::nullopt;
}

// -- health --------------------------------------------------------------------------------------

namespace {

struct health_form {
  std::string ip;
  std::int32_t port;
  std::string cluster;
  bool healthy;
};

health_form read_health_form(const http_call& c) {
  if (c.speaks == dialect::result) {
    c.form_text("healthy", "Boolean");
    auto ip = c.form_text("ip");
    auto port = c.form_int("port");
    return {std::move(ip), port, c.form_text_or("clusterName", default_cluster),
            c.form_bool_or("healthy", true)};
  }
  auto ip = c.required("ip");
  auto port = c.required_int("port");
  auto healthy = c.first_of({"healthy", "valid"}, "");
  if (healthy.empty())
    throw refusal{text_error(400, "Param 'healthy' is required.")};
  return {std::string(ip), port, std::string(c.optional("clusterName", default_cluster)),
          parse_lenient_bool(healthy)};
}

/// Whether nobody but operators says how instances of the cluster are.
bool is_set_by_hand(const service_view& view, const std::string& cluster) {
  return cluster_of(view.metadata, cluster).checker.type == health_checker::kind::none;
}

} // namespace

std::optional<reply> put_health_call(http_call& c) {
  auto service = c.service();
  auto form = read_health_form(c);
  auto view = find_listed(c, service->view());
  if (!view || !is_set_by_hand(*view, form.cluster))
    c.refuse(result_code::server_error, "health check is still working, service: "
                                          + service->grouped_name() + ", cluster: " + form.cluster);
  client_id client{form.ip, static_cast<std::uint16_t>(form.port), client_kind::persistent};
  auto published = view->publications.find(client);
  if (!published || (*published)->instances.front().cluster_name != form.cluster)
    return done_reply(c.speaks, {}); // unknown or ephemeral: nothing to set
  caf::anon_send(
    c.context().actors.metadata.get(),
    put_health{service, client.ip.str(), client.port, form.healthy, c.source_ip(), c.later_done()});
  return std::nullopt;
}

} // namespace nacre
