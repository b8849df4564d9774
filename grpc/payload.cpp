#include "grpc/payload.hpp"

namespace nacre {

void fill_payload(wire::Payload& payload, std::string_view type, std::string body) {
  payload.mutable_metadata()->set_type(type.data(), type.size());
  payload.mutable_body()->set_value(std::move(body));
}

} // namespace nacre
