#include "http/server/http_call.hpp"

#include <spdlog/spdlog.h>

#include "actors/distro/cluster_context.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

std::string not_a_number(std::string_view text) {
  return "For input string: \"" + shortened(text, 64) + '"';
}

/// As a proxy tells it, else the other end of the connection.
std::string_view told_source(const http_request& x) {
  if (!x.forwarded_for.empty())
    return trim(x.forwarded_for.substr(0, x.forwarded_for.find(',')));
  return x.real_ip.empty() ? std::string_view(*x.remote_ip) : x.real_ip;
}

} // namespace

/// Answers when the actors have answered.
class later_reply final : public ticket {
public:
  later_reply(std::shared_ptr<reply_sink> sink, std::function<reply(const outcome&)> render)
    : sink_(std::move(sink)), render_(std::move(render)) {}

  ~later_reply() override {
    auto expected = later_stage::handling;
    if (!done() && !sink_->stage_.compare_exchange_strong(expected, later_stage::dropped))
      complete_if_dropped();
  }

private:
  void deliver(outcome result) override { sink_->post(rendered(result)); }

  /// On an actor's thread, which is not to suffer for what fails here. The request has gone by
  /// then, and with it its path.
  reply rendered(const outcome& result) const {
    try {
      return render_(result);
    } catch (const std::exception& failure) {
      spdlog::error("answer-failed: {}", failure.what());
      return container_error(500, "the request failed inside the server", "");
    }
  }

  std::shared_ptr<reply_sink> sink_;
  std::function<reply(const outcome&)> render_;
};

void http_call::refuse(result_code code, std::string_view text, unsigned status) const {
  throw refusal{error_reply(speaks, status, code, text)};
}

void http_call::refuse_number(std::string_view text) const {
  refuse(result_code::parameter_validate_error, not_a_number(text));
}

service_ref http_call::service() const {
  auto& directory = context().tables.directory;
  if (speaks == dialect::text) {
    required("serviceName");
    return directory.shared_key({namespace_id(), v1_service.group, v1_service.name});
  }
  auto name = form_text("serviceName");
  auto grouped = form_text_or("groupName", default_group) + "@@" + name;
  auto parts = split_grouped_name(grouped);
  auto ns = form_text_or("namespaceId", default_namespace);
  return directory.shared_key({ns, parts.group, parts.name});
}

std::string_view http_call::required(std::string_view key) const {
  auto value = params.find(key);
  if (!value || value->empty())
    throw refusal{text_error(400, "Param '" + std::string(key) + "' is required.")};
  return trim(*value);
}

std::string_view http_call::optional(std::string_view key, std::string_view otherwise) const {
  auto value = params.find(key);
  if (!value || is_blank(*value))
    return otherwise;
  return trim(*value);
}

std::int32_t http_call::required_int(std::string_view key) const {
  auto text = required(key);
  auto value = parse_int32(text);
  if (!value)
    throw refusal{text_error(400, not_a_number(text))};
  return *value;
}

std::int32_t http_call::int_or(std::string_view key, std::int32_t otherwise) const {
  return parse_int32(optional(key)).value_or(otherwise);
}

std::string_view http_call::first_of(std::initializer_list<std::string_view> keys,
                                     std::string_view otherwise) const {
  for (auto key : keys)
    if (auto value = optional(key); !value.empty())
      return value;
  return otherwise;
}

std::string http_call::form_text(std::string_view key, std::string_view type) const {
  auto value = params.joined(key);
  if (!value || is_blank(*value))
    throw refusal{result_error(400, result_code::parameter_missing,
                               "Required parameter '" + std::string(key) + "' type "
                                 + std::string(type) + " is not present")};
  return std::move(*value);
}

std::int32_t http_call::form_int(std::string_view key) const {
  auto text = form_text(key, "Integer");
  auto value = parse_int32(trim(text));
  if (!value)
    throw refusal{result_error(400, result_code::parameter_validate_error, not_a_number(text))};
  return *value;
}

std::string http_call::form_text_or(std::string_view key, std::string_view otherwise) const {
  auto value = params.joined(key);
  return value && !is_blank(*value) ? std::move(*value) : std::string(otherwise);
}

bool http_call::form_bool_or(std::string_view key, bool otherwise) const {
  auto text = params.find(key);
  if (!text || is_blank(*text))
    return otherwise;
  auto value = parse_strict_bool(*text);
  if (!value)
    throw refusal{result_error(400, result_code::parameter_validate_error,
                               "Invalid boolean value [" + shortened(*text, 64) + "]")};
  return *value;
}

std::int32_t http_call::form_int_or(std::string_view key, std::int32_t otherwise) const {
  auto text = params.find(key);
  return !text || is_blank(*text) ? otherwise : form_int(key);
}

double http_call::form_double_or(std::string_view key, double otherwise) const {
  auto text = params.find(key);
  if (!text || is_blank(*text))
    return otherwise;
  auto value = parse_double(*text);
  if (!value)
    throw refusal{result_error(400, result_code::parameter_validate_error, not_a_number(*text))};
  return *value;
}

std::string http_call::own_address() const {
  auto& cluster = context().cluster;
  return cluster ? cluster->self : env.own_ip + ':' + std::to_string(context().options.http.port);
}

std::string_view http_call::agent() const {
  return request.user_agent.empty() ? request.client_version : request.user_agent;
}

std::string http_call::source_ip() const {
  auto from = shortened(told_source(request), 64); // it is kept, also in what all nodes agree on
  make_valid_utf8(from);
  return from;
}

std::shared_ptr<const std::string> http_call::caller_unless(std::string_view instance_ip) const {
  auto source = told_source(request);
  if (source == instance_ip)
    return nullptr;
  if (source.data() == request.remote_ip->data())
    return request.remote_ip; // no proxy in between
  return std::make_shared<const std::string>(source_ip());
}

ticket_ptr http_call::later(std::function<reply(const outcome&)> render) const {
  has_ticket_ = true;
  sink_->stage_ = later_stage::handling;
  return std::make_shared<later_reply>(sink_, std::move(render));
}

ticket_ptr http_call::later_done() const {
  return later([how = speaks](const outcome& result) { return done_reply(how, result); });
}

ticket_ptr http_call::later_json(std::string json) const {
  return later([how = speaks, json = std::move(json)](const outcome& result) {
    return done_reply(how, result, json);
  });
}

std::optional<reply> http_call::end() const {
  auto expected = later_stage::handling;
  if (!has_ticket_ || sink_->stage_.compare_exchange_strong(expected, later_stage::waiting))
    return std::nullopt;
  return container_error(503, "the write was interrupted, please try again", request.uri);
}

} // namespace nacre
