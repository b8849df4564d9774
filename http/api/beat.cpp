#include "http/api/beat.hpp"

#include "actors/naming/commands.hpp"
#include "http/api/instance_form.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// The JSON of a full beat; refuses what is none. Its service name does not count.
beat_info read_full_beat(const http_call& c, std::string_view text) {
  std::string reason;
  auto info = parse_beat(text, reason);
  if (!info)
    throw refusal{text_error(400, "Param 'beat' is illegal: " + reason)};
  checked_names names;
  auto port_text = std::to_string(info->port);
  names.ip = info->ip;
  names.port = port_text;
  names.cluster = info->cluster;
  if (auto complaint = c.context().checks.names(names))
    throw refusal{param_check_error(*complaint)};
  return std::move(*info);
}

instance instance_of(const beat_request& beat) {
  instance x;
  x.ip = beat.ip;
  x.port = beat.port;
  x.cluster_name = beat.cluster;
  x.weight = beat.full->weight;
  x.metadata = beat.full->metadata;
  return x;
}

reply beat_reply(const switch_domain& switches, short_span own_interval, int code) {
  auto interval = own_interval.count() != 0 ? own_interval.count()
                                            : static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                                              switches.client_beat_interval, 0, INT32_MAX));
  return json_reply(beat_answer(interval, code, switches.light_beat_enabled));
}

} // namespace

beat_request read_beat(const http_call& c) {
  beat_request beat;
  beat.service = c.context().tables.directory.shared_key(
    {c.namespace_id(), c.v1_service.group, c.v1_service.name});
  beat.ip = c.optional("ip");
  auto port = c.int_or("port", 0);
  beat.cluster = c.optional("clusterName", default_cluster);
  if (auto text = c.optional("beat"); !text.empty()) {
    auto& full = beat.full.emplace(read_full_beat(c, text));
    if (!full.ip.empty())
      beat.ip = full.ip;
    if (full.port != 0)
      port = full.port;
    if (!is_blank(full.cluster))
      beat.cluster = full.cluster;
  }
  beat.port = checked_port(port);
  return beat;
}

std::optional<reply> answer_beat(const http_call& c, const beat_request& beat) {
  auto& node = c.context();
  auto& switches = c.switches();
  auto later = [&](const renewal_result& renewed) {
    return c.later([switches, own = renewed.beat_interval](const outcome& result) {
      if (result.code == ec::lease_not_found)
        return beat_reply(*switches, own, beat_resource_not_found);
      return result.ok() ? beat_reply(*switches, own, beat_ok) : failure_v1(result);
    });
  };
  auto renewed = naming::beat(node, beat.service, beat.client(), later);
  if (renewed.state == renewal::renewed)
    return beat_reply(*switches, renewed.beat_interval, beat_ok);
  if (renewed.state == renewal::unhealthy)
    return std::nullopt;
  if (!beat.full || beat.ip.empty())
    return beat_reply(*switches, short_span(0), beat_resource_not_found);
  if (!beat.full->unfit.empty())
    return text_error(400, beat.full->unfit);
  auto x = instance_of(beat);
  if (auto complaint = node.checks.metadata(x.metadata))
    return param_check_error(*complaint);
  if (auto complaint = check_weight(x.weight))
    return text_error(400, *complaint);
  choose_id(c, x);
  if (auto complaint = check_instance(x))
    return text_error(400, *complaint);
  change_cause cause{change_reason::beat, c.caller_unless(x.ip)};
  naming::register_instance(node, beat.service, std::move(x), std::move(cause), later(renewed));
  return std::nullopt;
}

} // namespace nacre
