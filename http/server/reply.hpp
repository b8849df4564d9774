#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "actors/base/error.hpp"
#include "protocol/json_writer.hpp"

namespace nacre {

/// An HTTP answer. The body is `body`, then the parts of `shared` (bytes that many answers have in
/// common and nobody copies), then `tail`.
struct reply {
  unsigned status = 200;
  /// Empty: no such header, as the reference's filters answer.
  std::string_view content_type;
  /// Further lines of the head, each with its line end; mostly none.
  std::string more_headers;
  std::string body;
  std::shared_ptr<const void> shared_owner;
  std::array<std::string_view, 3> shared{};
  std::string_view tail;
  /// The connection ends after this answer.
  bool close = false;

  std::size_t body_size() const {
    return body.size() + shared[0].size() + shared[1].size() + shared[2].size() + tail.size();
  }
};

inline constexpr std::string_view text_plain = "text/plain;charset=UTF-8";
inline constexpr std::string_view application_json = "application/json";

/// Thrown by a handler that has nothing more to do: bad input, most of the time.
struct refusal {
  reply answer;
};

/// Result codes of v2 and v3 (Nacos `ErrorCode`), those in use.
enum class result_code : int {
  success = 0,
  parameter_missing = 10000,
  access_denied = 10001,
  parameter_validate_error = 20002,
  resource_not_found = 20004,
  weight_error = 21001,
  metadata_illegal = 21002,
  instance_not_found = 21003,
  instance_error = 21004,
  selector_error = 21006,
  service_already_exists = 21007,
  service_not_exist = 21008,
  service_delete_failure = 21009,
  illegal_namespace = 22000,
  namespace_not_exist = 22001,
  namespace_already_exist = 22002,
  illegal_state = 23000,
  server_error = 30000,
};

std::string_view message_of(result_code code);

/// 200 with plain text, the answer of v1 writes.
reply text_reply(std::string_view body);

/// A v1 error: the status and a plain text.
reply text_error(unsigned status, std::string_view message);

/// 200 with JSON as it is.
reply json_reply(std::string body);

/// `{"code":0,"message":"success","data":…}` around JSON.
reply result_reply(std::string_view data_json);

/// The same around JSON in parts, which `owner` keeps.
reply result_reply(std::shared_ptr<const void> owner, std::array<std::string_view, 3> data_json);

/// A v2/v3 error; `data` carries the detail, null if empty.
reply result_error(unsigned status, result_code code, std::string_view data);

/// How an API speaks of success and failure: v1 in plain text, v2 and v3 in result objects.
enum class dialect : std::uint8_t { text, result };

/// An error in the words of an API: `code` is told by result objects only.
reply error_reply(dialect how, unsigned status, result_code code, std::string_view text);

/// How a write ended: `ok`, or why not.
reply done_reply(dialect how, const outcome& result);

/// The same for a write whose success is told by JSON.
reply done_reply(dialect how, const outcome& result, const std::string& json);

/// `RestResult` of v1 core and console: code 200.
reply rest_result_reply(std::string_view data_json);

/// The error JSON of the servlet container.
reply container_error(unsigned status, std::string_view message, std::string_view path);

/// The param check's answer: text with a line end, no content type, whatever the API.
reply param_check_error(std::string_view message);

/// The answers to a write that failed: the one place where `ec` meets HTTP.
reply failure_v1(const outcome& failed);
reply failure_result(const outcome& failed);

std::string_view reason_phrase(unsigned status);

} // namespace nacre
