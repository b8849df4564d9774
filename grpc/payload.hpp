#pragma once

#include <string>
#include <string_view>

#include "grpc/payload.pb.h"

namespace nacre {

/// What an answer to a request is made of: name and JSON body.
struct remote_reply {
  std::string_view type;
  std::string body;
};

/// A client's text for one log line: `shortened`, valid UTF-8, control characters as blanks.
std::string loggable(std::string_view text, std::size_t bytes_max);

/// Puts a message into its envelope; `type` and the body are all that clients look at.
void fill_payload(wire::Payload& payload, std::string_view type, std::string body);

inline const std::string& type_of(const wire::Payload& payload) {
  return payload.metadata().type();
}

inline const std::string& body_of(const wire::Payload& payload) { return payload.body().value(); }

} // namespace nacre
