#include "http/api/instance_form.hpp"

#include "protocol/text.hpp"

namespace nacre {

std::uint16_t checked_port(std::int32_t port) {
  if (port < 0 || port > 65535)
    throw refusal{
      param_check_error("Param 'port' is illegal, the value should be between 0 and 65535.")};
  return static_cast<std::uint16_t>(port);
}

void choose_id(const http_call& c, instance& x) {
  auto& node = c.context();
  if (!set_instance_id(x, [&] { return node.tables.instance_ids.next(node.clock.wall()); }))
    throw refusal{text_error(400, "caused: The InstanceIdGenerator type is not found ;")};
}

void check_instance_form(const http_call& c, const instance& x) {
  if (auto complaint = check_instance(x))
    c.refuse(result_code::instance_error, *complaint);
}

metadata_map read_metadata(const http_call& c) {
  auto text = c.params.find("metadata").value_or("");
  auto map = parse_metadata(text);
  if (!map)
    c.refuse(result_code::metadata_illegal, "metadata format incorrect:" + shortened(text, 256));
  if (auto complaint = c.context().checks.metadata(*map))
    throw refusal{param_check_error(*complaint)};
  return std::move(*map);
}

namespace {

double read_weight_v1(const http_call& c) {
  auto weight = c.optional("weight", "1");
  auto number = parse_double(weight);
  if (!number)
    c.refuse_number(weight);
  return *number;
}

void read_v1(const http_call& c, instance& x) {
  x.ip = c.required("ip");
  x.port = checked_port(c.required_int("port"));
  x.cluster_name = c.first_of({"clusterName", "cluster"}, default_cluster);
  x.weight = read_weight_v1(c);
  x.healthy = parse_lenient_bool(c.optional("healthy", "true"));
  x.enabled = parse_lenient_bool(c.first_of({"enabled", "enable"}, "true"));
  auto ephemeral = c.optional("ephemeral");
  x.ephemeral =
    ephemeral.empty() ? c.switches()->default_instance_ephemeral : parse_lenient_bool(ephemeral);
}

void read_v2(const http_call& c, instance& x) {
  x.ip = c.form_text("ip");
  x.port = checked_port(c.form_int("port"));
  x.cluster_name = c.form_text_or("clusterName", default_cluster);
  x.weight = c.form_double_or("weight", 1.0);
  x.healthy = c.form_bool_or("healthy", true);
  x.enabled = c.form_bool_or("enabled", true);
  x.ephemeral = c.form_bool_or("ephemeral", c.switches()->default_instance_ephemeral);
}

} // namespace

instance_form read_instance_form(const http_call& c) {
  bool v1 = c.speaks == dialect::text;
  instance_form form;
  form.service = c.service();
  auto& x = form.what;
  v1 ? read_v1(c, x) : read_v2(c, x);
  x.metadata = read_metadata(c);
  if (auto complaint = check_weight(x.weight))
    c.refuse(result_code::weight_error, *complaint);
  if (v1)
    choose_id(c, x);
  return form;
}

} // namespace nacre
