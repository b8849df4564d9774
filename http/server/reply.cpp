#include "http/server/reply.hpp"

#include <chrono>
#include <ctime>

#include "protocol/text.hpp"

namespace nacre {

namespace {

constexpr std::string_view success_head = R"({"code":0,"message":"success","data":)";

/// UTC with milliseconds as the container writes it.
std::string timestamp_now() {
  using namespace std::chrono;
  auto now = system_clock::now();
  auto seconds = system_clock::to_time_t(now);
  auto ms = duration_cast<milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  auto fraction = std::to_string(1000 + ms).substr(1);
  return std::string(text, size) + "." + fraction + "+00:00";
}

struct code_row {
  result_code code;
  std::string_view message;
};

constexpr code_row codes[] = {
  {result_code::success, "success"},
  {result_code::parameter_missing, "parameter missing"},
  {result_code::access_denied, "access denied"},
  {result_code::parameter_validate_error, "parameter validate error"},
  {result_code::resource_not_found, "resource not found"},
  {result_code::weight_error, "weight error"},
  {result_code::metadata_illegal, "instance metadata error"},
  {result_code::instance_not_found, "instance not found"},
  {result_code::instance_error, "instance error"},
  {result_code::selector_error, "selector error"},
  {result_code::service_already_exists, "service already exist"},
  {result_code::service_not_exist, "service not exist"},
  {result_code::service_delete_failure, "service delete failure"},
  {result_code::illegal_namespace, "illegal namespace"},
  {result_code::namespace_not_exist, "namespace not exist"},
  {result_code::namespace_already_exist, "namespace already exist"},
  {result_code::illegal_state, "illegal state"},
  {result_code::server_error, "server error"},
};

struct failure_row {
  ec code;
  unsigned status;
  result_code result;
};

constexpr failure_row failures[] = {
  {ec::unavailable, 503, result_code::server_error},
  {ec::limit_reached, 503, result_code::server_error},
  {ec::kind_conflict, 400, result_code::server_error},
  {ec::service_not_found, 400, result_code::service_not_exist},
  {ec::service_exists, 400, result_code::service_already_exists},
  {ec::service_not_empty, 400, result_code::service_delete_failure},
  {ec::lease_not_found, 404, result_code::resource_not_found},
  {ec::namespace_not_found, 404, result_code::namespace_not_exist},
  {ec::namespace_exists, 400, result_code::illegal_namespace},
  {ec::illegal_value, 400, result_code::parameter_validate_error},
};

const failure_row& row_of(ec code) {
  for (auto& row : failures)
    if (row.code == code)
      return row;
  return failures[0];
}

/// The reference throws a conflict of kinds as an exception whose text carries its code.
std::string failure_text(const outcome& failed) {
  if (failed.code == ec::kind_conflict)
    return "errCode: 400, errMsg: " + failed.text + " ";
  return failed.text;
}

} // namespace

std::string_view message_of(result_code code) {
  for (auto& row : codes)
    if (row.code == code)
      return row.message;
  return "server error";
}

reply text_reply(std::string_view body) {
  reply x;
  x.content_type = text_plain;
  x.body = body;
  return x;
}

reply text_error(unsigned status, std::string_view message) {
  auto x = text_reply(message);
  x.status = status;
  return x;
}

reply json_reply(std::string body) {
  reply x;
  x.content_type = application_json;
  x.body = std::move(body);
  return x;
}

reply result_reply(std::string_view data_json) {
  std::string body(success_head);
  return json_reply(body.append(data_json).append("}"));
}

reply result_reply(std::shared_ptr<const void> owner, std::array<std::string_view, 3> data_json) {
  auto x = json_reply(std::string(success_head));
  x.shared_owner = std::move(owner);
  x.shared = data_json;
  x.tail = "}";
  return x;
}

reply result_error(unsigned status, result_code code, std::string_view data) {
  json_writer out;
  out.begin_object()
    .field("code", static_cast<int>(code))
    .field("message", message_of(code))
    .key("data");
  if (data.empty())
    out.null();
  else
    out.string(data);
  out.end_object();
  auto x = json_reply(out.take());
  x.status = status;
  return x;
}

reply rest_result_reply(std::string_view data_json) {
  std::string body(R"({"code":200,"message":null,"data":)");
  return json_reply(body.append(data_json).append("}"));
}

reply container_error(unsigned status, std::string_view message, std::string_view path) {
  std::string clean_message(message);
  std::string clean_path(path);
  make_valid_utf8(clean_message);
  make_valid_utf8(clean_path);
  json_writer out;
  out.begin_object()
    .field("timestamp", timestamp_now())
    .field("status", status)
    .field("error", reason_phrase(status))
    .field("message", clean_message)
    .field("path", clean_path)
    .end_object();
  auto x = json_reply(out.take());
  x.status = status;
  return x;
}

reply param_check_error(std::string_view message) {
  reply x;
  x.status = 400;
  x.body = std::string(message).append("\r\n");
  return x;
}

reply failure_v1(const outcome& failed) {
  return text_error(row_of(failed.code).status, failure_text(failed));
}

reply failure_result(const outcome& failed) {
  auto& row = row_of(failed.code);
  return result_error(row.status, row.result, failure_text(failed));
}

reply error_reply(dialect how, unsigned status, result_code code, std::string_view text) {
  return how == dialect::text ? text_error(status, text) : result_error(status, code, text);
}

namespace {

reply failure_reply(dialect how, const outcome& failed) {
  return how == dialect::text ? failure_v1(failed) : failure_result(failed);
}

} // namespace

reply done_reply(dialect how, const outcome& result) {
  if (!result.ok())
    return failure_reply(how, result);
  return how == dialect::text ? text_reply("ok") : result_reply("\"ok\"");
}

reply done_reply(dialect how, const outcome& result, const std::string& json) {
  if (!result.ok())
    return failure_reply(how, result);
  return how == dialect::text ? json_reply(json) : result_reply(json);
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

} // namespace nacre
