#include "http/naming_result.hpp"

#include "http/instance_form.hpp"
#include "protocol/text.hpp"

namespace nacre {

reply refuse_result_metadata(std::string_view text) {
  return result_error(400, result_code::metadata_illegal, text);
}

service_ref result_key(const call& c) {
  auto name = c.form_text("serviceName");
  auto grouped = c.form_text_or("groupName", default_group) + "@@" + name;
  auto parts = split_grouped_name(grouped);
  auto ns = c.form_text_or("namespaceId", default_namespace);
  return c.context().directory.shared_key({ns, parts.group, parts.name});
}

service_view_ptr find_or_refuse_service(const call& c, const service_key_view& key) {
  auto view = find_listed(c, key);
  if (!view)
    throw refusal{result_error(400, result_code::service_not_exist,
                               "service not found, namespace: " + std::string(key.namespace_id)
                                 + ", serviceName: " + key.grouped_name())};
  return view;
}

std::string statuses_json(const call& c, const service_key_view& key) {
  json_writer out;
  out.begin_object().key("ips").begin_array();
  if (auto view = find_listed(c, key))
    view->for_each_instance([&](const publication&, const instance& x) {
      out.string(x.ip + ':' + std::to_string(x.port) + '_' + (x.healthy ? "true" : "false"));
    });
  out.end_array().end_object();
  return out.take();
}

reply result_ok_or_failure(const outcome& result) {
  return result.ok() ? result_reply("\"ok\"") : failure_result(result);
}

std::optional<reply> register_result(call& c) {
  send_register(c, read_v2_form(c), change_reason::request, c.later(result_ok_or_failure));
  return std::nullopt;
}

std::optional<reply> deregister_result(call& c) {
  send_deregister(c, read_v2_form(c), c.later(result_ok_or_failure));
  return std::nullopt;
}

std::optional<reply> update_result(call& c) {
  auto form = read_v2_form(c);
  if (!find_listed(c, form.service->view()))
    return result_error(400, result_code::instance_error,
                        "service not found, namespace: " + form.service->namespace_id
                          + ", service: " + form.service->grouped_name());
  send_overlay(c, form, c.later(result_ok_or_failure));
  return std::nullopt;
}

namespace {

std::optional<reply> change_metadata(call& c, bool remove) {
  auto key = result_key(c);
  c.form_text("metadata");
  auto batch = make_metadata_batch(c, key->view(), read_metadata(c, refuse_result_metadata),
                                   remove);
  if (batch.changes.empty())
    return result_reply(batch.answer_json);
  auto answer = c.later([json = std::move(batch.answer_json)](const outcome& result) {
    return result.ok() ? result_reply(json) : failure_result(result);
  });
  caf::anon_send(c.context().metadata.get(),
                 put_overlays{key, std::move(batch.changes), std::move(answer)});
  return std::nullopt;
}

} // namespace

std::optional<reply> put_metadata_result(call& c) { return change_metadata(c, false); }
std::optional<reply> delete_metadata_result(call& c) { return change_metadata(c, true); }

std::optional<reply> create_service_result(call& c) {
  auto key = result_key(c);
  auto metadata = std::make_shared<service_metadata>(read_service_form(c, true));
  metadata->ephemeral = c.form_bool_or("ephemeral", false);
  caf::anon_send(c.context().metadata.get(),
                 create_service{key, std::move(metadata), c.later(result_ok_or_failure)});
  return std::nullopt;
}

std::optional<reply> update_service_result(call& c) {
  auto key = result_key(c);
  auto change = [form = read_service_form(c, true)](service_metadata& stored) {
    stored.protect_threshold = form.protect_threshold;
    stored.selector = form.selector;
    stored.metadata = form.metadata;
  };
  caf::anon_send(c.context().metadata.get(),
                 update_service{key, std::move(change), c.later(result_ok_or_failure)});
  return std::nullopt;
}

std::optional<reply> delete_service_result(call& c) {
  auto key = result_key(c);
  auto actor = c.context().directory.find_actor(key->view());
  if (!actor)
    return result_error(400, result_code::service_not_exist,
                        "service " + key->grouped_name() + " not found!");
  caf::anon_send(actor, delete_service{c.later(result_ok_or_failure)});
  return std::nullopt;
}

std::optional<reply> put_health_result(call& c) {
  auto key = result_key(c);
  c.form_text("healthy", "Boolean");
  auto ip = c.form_text("ip");
  auto port = c.form_int("port");
  return set_health(c, key->view(), ip, port, c.form_text_or("clusterName", default_cluster),
                    c.form_bool_or("healthy", true), true);
}

} // namespace nacre
