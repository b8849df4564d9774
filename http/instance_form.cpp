#include "http/instance_form.hpp"

#include <boost/asio/ip/address.hpp>

#include "http/naming_result.hpp"
#include "actors/snowflake.hpp"
#include "protocol/beat.hpp"
#include "protocol/client_agent.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

reply refuse_v1(std::string_view text) { return text_error(400, text); }

reply refuse_metadata(std::string_view text) {
  return result_error(400, result_code::metadata_illegal, text);
}

reply refuse_instance(std::string_view text) {
  return result_error(400, result_code::instance_error, text);
}

std::uint16_t checked_port(std::int32_t port) {
  if (port < 0 || port > 65535)
    throw refusal{
      param_check_error("Param 'port' is illegal, the value should be between 0 and 65535.")};
  return static_cast<std::uint16_t>(port);
}

/// v1 sets an id always; which kind the metadata may say.
void choose_id(const call& c, instance& x) {
  auto wanted = find_metadata(x.metadata, "preserved.instance.id.generator");
  if (!wanted || wanted->empty() || *wanted == "simple") {
    x.generator = id_generator::simple;
  } else if (*wanted == "snowflake") {
    x.generator = id_generator::snowflake;
    x.id = new id_text(std::to_string(
      next_snowflake_id(c.context().wall_ms(), snowflake_worker(c.env.own_ip.c_str()))));
  } else {
    throw refusal{text_error(400, "caused: The InstanceIdGenerator type is not found ;")};
  }
}

void check(const instance& x, reply (*refuse)(std::string_view)) {
  if (auto complaint = check_instance(x))
    throw refusal{refuse(*complaint)};
}

} // namespace

metadata_map read_metadata(const call& c, reply (*refuse)(std::string_view)) {
  auto text = c.params.find("metadata").value_or("");
  auto map = parse_metadata(text);
  if (!map)
    throw refusal{refuse("metadata format incorrect:" + shortened(text, 256))};
  auto& limits = c.context().options.limits;
  if (auto complaint = check_metadata_length(*map, limits.metadata_chars_max))
    throw refusal{param_check_error(*complaint)};
  return std::move(*map);
}

instance_form read_v1_form(const call& c) {
  instance_form form;
  c.required("serviceName");
  form.service = c.context().directory.shared_key(
    {c.namespace_id(), c.v1_service.group, c.v1_service.name});
  auto& x = form.what;
  x.ip = c.required("ip");
  x.port = checked_port(c.required_int("port"));
  x.cluster_name = c.first_of({"clusterName", "cluster"}, default_cluster);
  auto weight = c.optional("weight", "1");
  auto number = parse_double(weight);
  if (!number)
    throw refusal{text_error(400, "For input string: \"" + shortened(weight, 64) + '"')};
  x.weight = *number;
  x.healthy = parse_lenient_bool(c.optional("healthy", "true"));
  x.enabled = parse_lenient_bool(c.first_of({"enabled", "enable"}, "true"));
  auto ephemeral = c.optional("ephemeral");
  x.ephemeral = ephemeral.empty() ? c.switches()->default_instance_ephemeral
                                  : parse_lenient_bool(ephemeral);
  x.metadata = read_metadata(c, refuse_v1);
  if (auto complaint = check_weight(x.weight))
    throw refusal{refuse_v1(*complaint)};
  choose_id(c, x);
  return form;
}

instance_form read_v2_form(const call& c) {
  instance_form form;
  form.service = result_key(c);
  auto& x = form.what;
  x.ip = c.form_text("ip");
  x.port = checked_port(c.form_int("port"));
  x.cluster_name = c.form_text_or("clusterName", default_cluster);
  x.weight = c.form_double_or("weight", 1.0);
  x.healthy = c.form_bool_or("healthy", true);
  x.enabled = c.form_bool_or("enabled", true);
  x.ephemeral = c.form_bool_or("ephemeral", c.switches()->default_instance_ephemeral);
  x.metadata = read_metadata(c, refuse_metadata);
  if (auto complaint = check_weight(x.weight))
    throw refusal{result_error(400, result_code::weight_error, *complaint)};
  return form;
}

void send_register(const call& c, instance_form form, change_reason why,
                   ticket_ptr answer) {
  // v1 and v2 differ in the words, not in what they refuse; only v1 has an id at this point.
  check(form.what, form.what.generator == id_generator::none ? refuse_instance : refuse_v1);
  auto client = form.client();
  auto shard = c.context().shard(client);
  change_cause cause{why, c.caller_unless(form.what.ip)};
  caf::anon_send(shard, register_instance{std::move(form.service), std::move(client),
                                          std::move(form.what), std::move(cause),
                                          std::move(answer)});
}

void send_deregister(const call& c, const instance_form& form, ticket_ptr answer) {
  auto client = form.client();
  auto shard = c.context().shard(client);
  caf::anon_send(shard, deregister_instance{form.service, std::move(client),
                                            {change_reason::request,
                                             c.caller_unless(form.what.ip)},
                                            std::move(answer)});
}

void send_overlay(const call& c, const instance_form& form, ticket_ptr answer) {
  check(form.what, form.what.generator == id_generator::none ? refuse_instance : refuse_v1);
  overlay_change change{form.what.metadata_id(),
                        {form.what.weight, form.what.enabled, form.what.metadata}};
  caf::anon_send(c.context().metadata.get(),
                 put_overlays{form.service, {std::move(change)}, std::move(answer)});
}

service_view_ptr find_listed(const call& c, const service_key_view& key) {
  auto view = c.context().directory.find(key);
  return view && view->listed ? view : nullptr;
}

rendered_list_ptr list_of(const call& c, const service_key_view& key,
                          const instance_selection& wanted) {
  auto cache_millis = c.switches()->default_push_cache_millis;
  if (auto view = c.context().directory.find(key))
    return view->rendered(wanted, cache_millis);
  return std::make_shared<const rendered_list>(
    render_list(key, wanted.clusters, {}, cache_millis, c.context().list_ms()));
}

void subscribe_by_query(const call& c, const service_key_view& key, std::string_view clusters,
                        std::string_view ip, std::string_view port_text) {
  auto port = parse_int32(port_text).value_or(0);
  if (port <= 0 || port > 65535 || !qualifies_for_udp_push(c.agent(), *c.switches()))
    return;
  boost::system::error_code ec;
  boost::asio::ip::make_address(std::string(ip), ec);
  if (ec)
    return; // no datagram could be sent there; the client polls anyway
  client_id client{std::string(ip), static_cast<std::uint16_t>(port), client_kind::ephemeral};
  if (auto view = c.context().directory.find(key))
    if (auto known = view->subscribers.find(client); known && (*known)->wants(clusters)) {
      (*known)->held_by->renewed_ms = steady_now_ms();
      return;
    }
  auto shard = c.context().shard(client);
  std::string agent = shortened(c.agent(), 128);
  make_valid_utf8(agent);
  caf::anon_send(shard, subscribe_client{make_service_ref(key), std::move(client),
                                         std::string(clusters),
                                         shortened(c.optional("app"), 128), std::move(agent)});
}

instance find_or_refuse(const call& c, const service_key_view& key, std::string_view ip,
                        std::uint16_t port, std::string_view cluster,
                        reply (*refuse)(std::string_view)) {
  auto view = find_listed(c, key);
  if (!view || view->publications.empty())
    throw refusal{refuse("no ips found for cluster " + std::string(cluster) + " in service "
                         + key.grouped_name())};
  auto found = view->find_instance(ip, port, cluster);
  if (!found)
    throw refusal{refuse("no matched ip found!")};
  return std::move(*found);
}

// -- metadata/batch ------------------------------------------------------------------------------

namespace {

struct batch_target {
  std::string ip;
  std::int32_t port;
  std::string cluster;
  bool ephemeral;
};

/// Nothing means all instances of the service.
std::optional<std::vector<batch_target>> read_targets(const call& c) {
  auto text = c.optional("instances");
  if (text.empty())
    return std::nullopt;
  json_document document(text);
  auto root = document.root();
  if (!root.is_array())
    throw refusal{text_error(400, "Param 'instances' is illegal, it should be a JSON array")};
  std::vector<batch_target> targets;
  for (auto& x : root.elements()) {
    auto cluster = x["clusterName"].scalar_text().value_or("");
    auto port = x["port"].scalar_text().value_or("0");
    auto ephemeral = x["ephemeral"].boolean().value_or(true);
    targets.push_back({x["ip"].scalar_text().value_or(""), parse_int32(port).value_or(0),
                       is_blank(cluster) ? std::string(default_cluster) : std::move(cluster),
                       ephemeral});
  }
  if (targets.empty())
    return std::nullopt;
  return targets;
}

} // namespace

metadata_batch make_metadata_batch(const call& c, const service_key_view& key,
                                   const metadata_map& metadata, bool remove) {
  auto targets = read_targets(c);
  auto view = find_listed(c, key);
  metadata_batch batch;
  json_writer out;
  out.begin_object().key("updated").begin_array();
  using kind = overlay_change::kind;
  auto touch = [&](const instance& published, bool ephemeral_as_asked) {
    // The reference resets weight and enabled to 1 and true here when there was no override; an
    // operator who adds a key to the metadata did not ask for that.
    batch.changes.push_back({published.metadata_id(),
                             {published.weight, published.enabled, metadata},
                             remove ? kind::remove_metadata : kind::add_metadata});
    out.string(published.ip + ':' + std::to_string(published.port) + ":unknown:"
               + published.cluster_name + (ephemeral_as_asked ? ":ephemeral" : ":persist"));
  };
  if (view && !targets) {
    view->publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        touch(one, one.ephemeral);
    });
  } else if (view) {
    for (auto& target : *targets)
      if (target.port >= 0 && target.port <= 65535)
        if (auto found = view->find_instance(target.ip, static_cast<std::uint16_t>(target.port),
                                             target.cluster))
          touch(*found, target.ephemeral);
  }
  out.end_array().end_object();
  batch.answer_json = out.take();
  return batch;
}

// -- beats ---------------------------------------------------------------------------------------

beat_request read_beat(const call& c) {
  beat_request beat;
  beat.service = c.context().directory.shared_key(
    {c.namespace_id(), c.v1_service.group, c.v1_service.name});
  beat.ip = c.optional("ip");
  auto port = c.int_or("port", 0);
  beat.cluster = c.optional("clusterName", default_cluster);
  if (auto text = c.optional("beat"); !text.empty()) {
    std::string reason;
    auto info = parse_beat(text, reason);
    if (!info)
      throw refusal{text_error(400, "Param 'beat' is illegal: " + reason)};
    checked_names names;
    auto port_text = std::to_string(info->port);
    names.ip = info->ip;
    names.port = port_text;
    names.cluster = info->cluster;
    if (auto complaint = check_names(names))
      throw refusal{param_check_error(*complaint)};
    if (!info->ephemeral)
      throw refusal{text_error(400, "a persistent instance is not kept by beats, register it")};
    if (!info->ip.empty())
      beat.ip = info->ip;
    if (info->port != 0)
      port = info->port;
    if (!is_blank(info->cluster))
      beat.cluster = info->cluster;
    beat.full.emplace();
    auto& x = *beat.full;
    x.ip = beat.ip;
    x.port = checked_port(port);
    x.cluster_name = beat.cluster;
    x.weight = info->weight;
    x.metadata = std::move(info->metadata);
  }
  beat.port = checked_port(port);
  return beat;
}

namespace {

reply beat_reply(const switch_domain& switches, std::uint32_t own_interval_ms, int code) {
  auto interval = own_interval_ms != 0
                    ? own_interval_ms
                    : static_cast<std::uint32_t>(
                        std::clamp<std::int64_t>(switches.client_beat_interval, 0, INT32_MAX));
  return json_reply(beat_answer(interval, code, switches.light_beat_enabled));
}

} // namespace

std::optional<reply> answer_beat(const call& c, const beat_request& beat) {
  auto key = beat.service->view();
  auto switches = c.switches();
  auto renewed = c.context().leases.renew(key, beat.ip, beat.port, steady_now_ms());
  if (renewed.state == renewal::renewed)
    return beat_reply(*switches, renewed.beat_interval_ms, beat_ok);
  auto answer = [switches, own = renewed.beat_interval_ms](const outcome& result) {
    if (result.code == ec::lease_not_found)
      return beat_reply(*switches, own, beat_resource_not_found);
    return result.ok() ? beat_reply(*switches, own, beat_ok) : failure_v1(result);
  };
  client_id client{beat.ip, beat.port, client_kind::ephemeral};
  if (renewed.state == renewal::unhealthy) {
    auto shard = c.context().shard(client);
    caf::anon_send(shard, revive_instance{beat.service, std::move(client), c.later(answer)});
    return std::nullopt;
  }
  if (!beat.full || beat.ip.empty())
    return beat_reply(*switches, 0, beat_resource_not_found);
  instance_form form{beat.service, *beat.full};
  if (auto complaint = check_metadata_length(form.what.metadata,
                                             c.context().options.limits.metadata_chars_max))
    return param_check_error(*complaint);
  if (auto complaint = check_weight(form.what.weight))
    return text_error(400, *complaint);
  choose_id(c, form.what);
  send_register(c, std::move(form), change_reason::beat, c.later(answer));
  return std::nullopt;
}

} // namespace nacre
