#include "grpc/payload.hpp"

#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>

#include "protocol/naming_response.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// A field whose value has a length, as protobuf writes it: tag and length.
void append_field(message_head& head, int number, std::size_t size) {
  constexpr int has_length = 2;
  char bytes[12];
  std::size_t n = 0;
  bytes[n++] = static_cast<char>(number << 3 | has_length);
  for (; size > 0x7f; size >>= 7)
    bytes[n++] = static_cast<char>(size | 0x80);
  bytes[n++] = static_cast<char>(size);
  head.append({bytes, n});
}

/// Bytes of such a field.
std::size_t field_size(std::size_t value) {
  std::size_t n = 2 + value;
  for (auto rest = value; rest > 0x7f; rest >>= 7)
    ++n;
  return n;
}

// Field numbers of payload.proto.
constexpr int payload_metadata = wire::Payload::kMetadataFieldNumber;
constexpr int payload_body = wire::Payload::kBodyFieldNumber;
constexpr int metadata_type = wire::Metadata::kTypeFieldNumber;
constexpr int any_value = wire::Body::kValueFieldNumber;

thread_local std::unique_ptr<wire::Payload> spare_payload;

/// A payload that was read from more is not kept for the next one.
constexpr std::size_t kept_bytes_max = 4 * 1024;

} // namespace

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

outgoing_message enveloped(std::string_view type, message_body body) {
  outgoing_message message;
  append_field(message.head, payload_metadata, field_size(type.size()));
  append_field(message.head, metadata_type, type.size());
  message.head.append(type);
  append_field(message.head, payload_body, field_size(body.size()));
  append_field(message.head, any_value, body.size());
  message.body = std::move(body);
  return message;
}

outgoing_message serialized(const wire::Payload& payload) {
  outgoing_message message;
  message.body = payload.SerializeAsString();
  return message;
}

read_payload::read_payload(std::string_view bytes)
  : payload_(spare_payload ? std::move(spare_payload) : std::make_unique<wire::Payload>()),
    keeps_(bytes.size() <= kept_bytes_max),
    good_(payload_->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {}

read_payload::~read_payload() {
  if (keeps_)
    spare_payload = std::move(payload_);
}

void take_over_protobuf_log() {
  static std::once_flag once;
  std::call_once(once, [] {
    google::protobuf::SetLogHandler(
      [](google::protobuf::LogLevel, const char*, int, const std::string& text) {
        if (spdlog::should_log(spdlog::level::debug))
          spdlog::debug("protobuf: {}", loggable(text, 256));
      });
  });
}

rpc_reply error_response(int result_code, int error_code, std::string_view message) {
  return {"ErrorResponse", failure_body(result_code, error_code, message)};
}

} // namespace nacre
