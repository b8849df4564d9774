#include "grpc/link/link_protocol.hpp"

namespace nacre {

wire::Payload make_link_message(std::string_view type) {
  wire::Payload message;
  message.mutable_metadata()->set_type(type.data(), type.size());
  return message;
}

void set_header(wire::Payload& message, const char* key, const std::string& value) {
  (*message.mutable_metadata()->mutable_headers())[key] = value;
}

std::string header(const wire::Payload& message, const char* key) {
  auto& headers = message.metadata().headers();
  auto i = headers.find(key);
  return i == headers.end() ? std::string() : i->second;
}

void cut_frame(std::string frame, std::deque<wire::Payload>& parts) {
  std::size_t begin = 0;
  for (; frame.size() - begin > part_bytes_max; begin += part_bytes_max)
    fill_payload(parts.emplace_back(), link_message::part, frame.substr(begin, part_bytes_max));
  if (begin > 0)
    frame.erase(0, begin);
  fill_payload(parts.emplace_back(), link_message::frame, std::move(frame));
}

} // namespace nacre
