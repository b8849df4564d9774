#include <utility>

#include "grpc/sdk/connection_stream.hpp"

#include "grpc/sdk/request_service.hpp"

namespace nacre {

connection_stream::connection_stream(client_channel_ptr channel)
  : http2_call(channel->service().message_bytes_max()), channel_(std::move(channel)) {}

void connection_stream::on_begin() {
  // At once: some stacks send nothing before they have seen the headers.
  send_headers();
}

void connection_stream::on_message(std::string_view bytes) {
  read_payload payload(bytes);
  if (!payload)
    return fail({status_code::internal, "a message that can't be read"});
  channel_->on_stream_message(std::static_pointer_cast<connection_stream>(shared_from_this()),
                              *payload);
}

void connection_stream::on_half_close() {
  channel_->on_stream_end(this);
  end({});
}

void connection_stream::end(const call_status& why) {
  // A client that does not read would hold up what waits for it for ever.
  if (unsent() > http2_session::unsent_free_bytes)
    cancel();
  else
    finish(why);
}

void connection_stream::on_sent(const outgoing_message& message) {
  channel_->on_stream_sent(message);
}

void connection_stream::on_end(const call_status&) { channel_->on_stream_end(this); }

} // namespace nacre
