#pragma once

#include <string>
#include <string_view>

#include "grpc/http2/http2_call.hpp"
#include "grpc/payload.pb.h"

namespace nacre {

/// What an answer to a request is made of: name and JSON body.
struct rpc_reply {
  std::string_view type;
  message_body body;
};

/// Nacos' codes of errors that gRPC clients act on (`NacosException`, `ErrorCode`).
namespace rpc_error {
inline constexpr int starting = 300;
inline constexpr int unregistered = 301;
inline constexpr int no_handler = 302;
inline constexpr int invalid_parameter = 400;
inline constexpr int server_error = 500;
inline constexpr int not_implemented = 501;
inline constexpr int bad_gateway = 502;
inline constexpr int over_threshold = 503;
inline constexpr int watch_patterns_limit = 50310;
inline constexpr int watch_matches_limit = 50311;
} // namespace rpc_error

/// An `ErrorResponse`: what clients take for a failure of the call itself. They send it again at
/// once, so what a request asks for wrongly is answered by a typed failure wherever Nacos does.
rpc_reply error_response(int result_code, int error_code, std::string_view message);

/// A client's text for one log line: `shortened`, valid UTF-8, control characters as blanks.
std::string loggable(std::string_view text, std::size_t bytes_max);

/// Puts a message into its envelope; `type` and the body are all that clients look at.
void fill_payload(wire::Payload& payload, std::string_view type, std::string body);

/// The same as bytes, ready to be sent: by hand, as protobuf would copy the body twice.
outgoing_message enveloped(std::string_view type, message_body body);

/// Any message as bytes, ready to be sent.
outgoing_message serialized(const wire::Payload& payload);

/// A payload from its bytes. Its memory serves the next one of the thread, unless it is large.
class read_payload {
public:
  explicit read_payload(std::string_view bytes);
  ~read_payload();
  read_payload(const read_payload&) = delete;
  read_payload& operator=(const read_payload&) = delete;

  /// Whether the bytes were those of a payload.
  explicit operator bool() const { return good_; }
  wire::Payload& operator*() const { return *payload_; }

private:
  std::unique_ptr<wire::Payload> payload_;
  const bool keeps_;
  const bool good_;
};

/// What protobuf says of broken messages, which quotes what clients sent, becomes lines of our log.
void take_over_protobuf_log();

inline const std::string& type_of(const wire::Payload& payload) {
  return payload.metadata().type();
}

inline const std::string& body_of(const wire::Payload& payload) { return payload.body().value(); }

} // namespace nacre
