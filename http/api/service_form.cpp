#include "http/api/service_form.hpp"

#include "http/api/instance_form.hpp"
#include "protocol/http_check.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

double read_threshold(const http_call& c) {
  auto text = c.optional("protectThreshold");
  if (text.empty())
    return 0.0;
  auto number = parse_double(text);
  if (!number)
    c.refuse_number(text);
  return *number;
}

} // namespace

service_metadata read_service_form(const http_call& c) {
  service_metadata form;
  form.protect_threshold = read_threshold(c);
  form.metadata = read_metadata(c);
  auto chosen = parse_selector(c.optional("selector"));
  if (!chosen.is_json)
    c.refuse(result_code::selector_error, "Param 'selector' is illegal, it is no JSON");
  if (!chosen.value)
    c.refuse(result_code::selector_error, "not match any type of selector!");
  form.selector = std::move(*chosen.value);
  return form;
}

cluster_form read_cluster_form(const http_call& c) {
  auto illegal = result_code::parameter_validate_error;
  auto text = [&](std::string_view name) {
    return c.speaks == dialect::result ? c.form_text(name) : std::string(c.required(name));
  };
  auto name = text("clusterName");
  auto port = parse_int32(text("checkPort"));
  if (!port || *port < 0 || *port > 65535)
    c.refuse(illegal, "Param 'checkPort' is illegal, the value should be between 0 and 65535.");
  auto use_instance_port = parse_lenient_bool(text("useInstancePort4Check"));
  auto checker = parse_health_checker(text("healthChecker"));
  if (!checker)
    c.refuse(illegal, "Param 'healthChecker' is illegal, it is no JSON object");
  if (checker->type == health_checker::kind::http)
    if (auto complaint = check_http_check(checker->path, checker->headers))
      c.refuse(illegal, *complaint);
  checked_names names;
  names.cluster = name;
  if (auto complaint = c.context().checks.names(names))
    c.refuse(illegal, *complaint);
  return {std::move(name), cluster_metadata{static_cast<std::uint16_t>(*port), use_instance_port,
                                            std::move(*checker), read_metadata(c)}};
}

} // namespace nacre
