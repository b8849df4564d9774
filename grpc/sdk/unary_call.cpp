#include <utility>

#include "grpc/sdk/unary_call.hpp"

#include "grpc/sdk/request_service.hpp"

namespace nacre {

namespace {

/// The call that is being handled on this thread: its answer need not be posted to it.
thread_local const unary_call* handled_here = nullptr;

} // namespace

unary_call::unary_call(client_channel_ptr channel)
  : http2_call(channel->service().message_bytes_max()), channel_(std::move(channel)) {}

void unary_call::on_message(std::string_view bytes) {
  if (std::exchange(handled_, true))
    return http2_call::fail({status_code::internal, "more than one request in a unary call"});
  read_payload payload(bytes);
  if (!payload)
    return http2_call::fail({status_code::internal, "a request that can't be read"});
  auto before = std::exchange(handled_here, this);
  channel_->service().handle(channel_, *payload,
                             std::static_pointer_cast<unary_call>(shared_from_this()));
  handled_here = before;
}

void unary_call::on_half_close() {
  if (!handled_)
    http2_call::fail({status_code::internal, "the stream ends without a request"});
}

void unary_call::deliver(rpc_reply reply) {
  reply_ = std::move(reply);
  give();
}

void unary_call::deliver_failure(call_status status) {
  failure_ = std::move(status);
  give();
}

void unary_call::give() {
  if (handled_here == this)
    answer();
  else
    channel_->inbox()->post(std::static_pointer_cast<unary_call>(shared_from_this()));
}

void unary_call::on_posted() { answer(); }

void unary_call::answer() {
  if (is_over())
    return;
  if (!failure_.ok())
    return finish(std::move(failure_));
  auto message = enveloped(reply_.type, std::move(reply_.body));
  if (session()->is_behind(message.size())) {
    message.share = channel_->service().answers().take(channel_->ip(), message.size(),
                                                       std::to_string(channel_->port()));
    if (!message.share) {
      auto refusal = error_response(503, rpc_error::over_threshold,
                                    "too much is on its way to clients that do not read");
      message = enveloped(refusal.type, std::move(refusal.body));
    }
  }
  http2_call::reply(std::move(message));
}

} // namespace nacre
