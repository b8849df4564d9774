#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message_body.hpp"
#include "protocol/service_key.hpp"

/// JSON bodies a node sends over gRPC: answers (Nacos `Response` and its kin) and requests to
/// clients. `message` is left out where there is none: some SDKs refuse a null. Pure, any thread.
namespace nacre {

/// `{"resultCode":…,"errorCode":…,"success":false,"message":…}`
std::string failure_body(int result_code, int error_code, std::string_view message);

/// A success; `more` is further JSON fields without braces, e.g. `"type":"x"`.
message_body success_body(message_body more = {});

/// A request to a client that has to be answered with its id, which is text on the wire and below
/// an empty `headers`; `more` as in `success_body`.
message_body request_body(std::uint64_t id, std::string_view module, message_body more = {});

/// `"key":"text"`, escaped.
std::string json_field(std::string_view key, std::string_view text);

/// A list answer or push as gRPC shows it (Nacos `ServiceInfo`): like HTTP's, but the name stands
/// without its group. `hosts` is JSON already; null for none.
struct service_info {
  service_key_view key;
  std::string_view clusters;
  std::int64_t cache_millis = 0;
  std::shared_ptr<const std::string> hosts;
  std::int64_t ref_time_ms = 0;
  bool reaches_protection = false;
};
/// `"serviceInfo":{…}`; a long `hosts` is shared.
message_body service_info_field(const service_info& x);

/// The JSON fields of one message of a fuzzy watch sync, without braces.
struct watch_batch {
  std::string_view sync_type;
  std::string_view pattern;
  struct change {
    std::string service_key;
    bool added = true;
  };
  std::vector<change> changes;
  std::size_t total = 0;
  std::size_t current = 0;
};
std::string watch_batch_fields(const watch_batch& x);
std::string watch_change_fields(std::string_view service_key, bool added);

} // namespace nacre
