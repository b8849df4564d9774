#include "grpc/payload.hpp"

#include "protocol/naming_response.hpp"
#include "protocol/text.hpp"

namespace nacre {

std::string loggable(std::string_view text, std::size_t bytes_max) {
  auto line = shortened(text, bytes_max);
  for (auto& c : line)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      c = ' ';
  make_valid_utf8(line);
  return line;
}

void fill_payload(wire::Payload& payload, std::string_view type, std::string body) {
  payload.mutable_metadata()->set_type(type.data(), type.size());
  payload.mutable_body()->set_value(std::move(body));
}

rpc_reply error_response(int result_code, int error_code, std::string_view message) {
  return {"ErrorResponse", failure_body(result_code, error_code, message)};
}

} // namespace nacre
