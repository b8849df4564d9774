#include "grpc/sdk/stream_call.hpp"

#include "grpc/sdk/connection_stream.hpp"

namespace nacre {

void stream_call::await_next(grpc_environment& env, BiRequestStream::AsyncService& service,
                             call_queue& queue) {
  auto* call = new stream_call(env, service, queue);
  service.RequestrequestBiStream(&call->context_, &call->rpc_, queue.events(), queue.events(),
                                 static_cast<call_event*>(&call->opened_));
}

stream_call::stream_call(grpc_environment& env, BiRequestStream::AsyncService& service,
                         call_queue& queue)
  : env_(env), service_(service), queue_(queue) {
  queue_.enter();
  context_.AsyncNotifyWhenDone(static_cast<call_event*>(&over_));
}

void stream_call::on_opened(bool ok) {
  if (!ok) { // the node stops; nothing else is told of this call
    queue_.leave();
    delete this;
    return;
  }
  await_next(env_, service_, queue_);
  under_way_ = 3; // this, the end of the call, and the headers
  // At once: some stacks send nothing before they have seen the headers.
  rpc_.SendInitialMetadata(static_cast<call_event*>(&headers_sent_));
  stream_ = std::make_shared<connection_stream>(env_, *this, context_.peer());
  stream_->start();
  settle();
}

void stream_call::start_read(wire::Payload& message) {
  ++under_way_;
  rpc_.Read(&message, static_cast<call_event*>(&read_));
}

void stream_call::start_write(const wire::Payload& message) {
  ++under_way_;
  rpc_.Write(message, static_cast<call_event*>(&written_));
}

void stream_call::finish(const grpc::Status& status) {
  ++under_way_;
  rpc_.Finish(status, static_cast<call_event*>(&finished_));
}

void stream_call::on_read(bool ok) {
  stream_->on_read(ok);
  settle();
}

void stream_call::on_written(bool ok) {
  stream_->on_written(ok);
  settle();
}

void stream_call::on_over(bool) {
  if (context_.IsCancelled())
    stream_->on_cancelled();
  settle();
}

void stream_call::on_settled(bool) { settle(); }

void stream_call::settle() {
  if (--under_way_ > 0)
    return;
  stream_->on_over();
  queue_.leave();
  delete this;
}

} // namespace nacre
