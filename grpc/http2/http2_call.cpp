#include "grpc/http2/http2_call.hpp"

#include <cassert>
#include <cstring>

#include "grpc/http2/http2_session.hpp"
#include "grpc/http2/queued_message.hpp"

namespace nacre {

void message_head::append(std::string_view bytes) {
  auto room = bytes_max - size_;
  assert(bytes.size() <= room);
  auto n = std::min(bytes.size(), room);
  std::memcpy(bytes_.data() + size_, bytes.data(), n);
  size_ = static_cast<std::uint8_t>(size_ + n);
}

http2_call::http2_call(std::size_t message_bytes_max) : reader_(message_bytes_max) {}

http2_call::~http2_call() = default;

void http2_call::send_headers() {
  if (session_)
    session_->send_headers(*this);
}

void http2_call::send(outgoing_message message) {
  if (session_)
    session_->send(*this, std::move(message));
}

void http2_call::finish(call_status status) {
  if (!session_ || finishing_)
    return;
  status_ = std::move(status);
  finishing_ = true;
  session_->finish(*this);
}

void http2_call::reply(outgoing_message message) {
  if (!session_ || finishing_)
    return;
  finishing_ = true; // before the message goes, so that both go along
  session_->send(*this, std::move(message));
}

void http2_call::cancel() {
  if (session_)
    session_->cancel(*this);
}

void http2_call::fail(const call_status& status) {
  if (session_)
    session_->fail_call(*this, status);
}

} // namespace nacre
