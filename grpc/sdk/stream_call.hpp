#pragma once

#include <atomic>
#include <memory>

#include "grpc/sdk/call_queue.hpp"
#include "grpc/services.grpc.pb.h"

namespace nacre {

class connection_stream;
struct grpc_environment;

/// The call below one stream: its operations, of each kind one at a time, and how they end. Asked
/// for before a client opens it; deletes itself when it is over and none is under way. Its stream
/// lives as long.
class stream_call {
public:
  /// Asks for the next stream that a client opens, and then for the next one.
  static void await_next(grpc_environment& env, BiRequestStream::AsyncService& service,
                         call_queue& queue);

  // Operations may be started by any thread until `finish`, which has to come.

  void start_read(wire::Payload& message);
  void start_write(const wire::Payload& message);
  void finish(const grpc::Status& status);

  /// Makes the operations under way fail.
  void cancel() { context_.TryCancel(); }

private:
  stream_call(grpc_environment& env, BiRequestStream::AsyncService& service, call_queue& queue);

  void on_opened(bool ok);
  void on_read(bool ok);
  void on_written(bool ok);
  void on_over(bool ok);
  void on_settled(bool ok);
  /// An event was handled; after the last one nothing is left to do.
  void settle();

  grpc_environment& env_;
  BiRequestStream::AsyncService& service_;
  call_queue& queue_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<wire::Payload, wire::Payload> rpc_{&context_};
  std::shared_ptr<connection_stream> stream_;
  std::atomic<int> under_way_{0};

  event_of<stream_call, &stream_call::on_opened> opened_{*this};
  event_of<stream_call, &stream_call::on_settled> headers_sent_{*this};
  event_of<stream_call, &stream_call::on_read> read_{*this};
  event_of<stream_call, &stream_call::on_written> written_{*this};
  event_of<stream_call, &stream_call::on_settled> finished_{*this};
  event_of<stream_call, &stream_call::on_over> over_{*this};
};

} // namespace nacre
