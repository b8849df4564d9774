#pragma once

#include <string>
#include <string_view>

#include "protocol/naming_rules.hpp"
#include "protocol/service_metadata.hpp"

/// What an HTTP health check asks and how the head of its answer is read (Nacos `Http`,
/// `HttpHealthCheckProcessor`). Pure, any thread.
namespace nacre {

/// What is wrong with the path or the headers (`k:v|k2:v2`) of an HTTP check; nothing when they
/// can be sent. Configuration and probes both ask, so that neither can smuggle a second request.
complaint check_http_check(std::string_view path, std::string_view headers);

/// The request of a check that has no complaint. `host` is `ip:port`, an IPv6 address in brackets.
std::string http_check_request(std::string_view path, std::string_view headers,
                               std::string_view host);

/// The head of an answer as far as it has come.
struct http_answer_head {
  enum class state : std::uint8_t {
    /// More of it is to come.
    part,
    /// All of it is here.
    whole,
    /// It is no HTTP.
    broken,
  };
  state is = state::part;
  /// Of a whole head, 100 to 999.
  int status = 0;
};

/// Heads that only announce another one (100 to 199, without 101) are skipped.
http_answer_head read_http_answer_head(std::string_view bytes);

} // namespace nacre
