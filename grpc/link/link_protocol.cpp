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

std::size_t cut_frame(std::string frame, std::vector<outgoing_message>& messages) {
  auto before = messages.size();
  std::size_t begin = 0;
  for (; frame.size() - begin > part_bytes_max; begin += part_bytes_max)
    messages.push_back(enveloped(link_message::part, frame.substr(begin, part_bytes_max)));
  if (begin > 0)
    frame.erase(0, begin);
  messages.push_back(enveloped(link_message::frame, std::move(frame)));
  return messages.size() - before;
}

} // namespace nacre
