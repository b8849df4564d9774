#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "actors/api_environment.hpp"
#include "grpc/payload.hpp"
#include "grpc/sdk/client_channels.hpp"
#include "grpc/sdk/stream_call.hpp"
#include "protocol/naming_request.hpp"

namespace nacre {

/// What all streams and calls of one listener share.
struct grpc_environment {
  api_environment api;
  caf::actor_system* system = nullptr;
  channel_table peers;
};

/// One bidirectional stream: the client's setup and answers come in, our requests go out, in order
/// and bounded. Its end is the end of the connection. Any thread; its call calls the `on_…` ones.
class connection_stream final : public std::enable_shared_from_this<connection_stream> {
public:
  connection_stream(grpc_environment& env, stream_call& call, std::string channel_text);

  /// To be called first.
  void start();

  /// @returns false if too much waits to be written
  bool send(server_request request);

  /// Ends the stream with a status that makes every SDK connect anew.
  void close(std::string_view why);

  void on_read(bool ok);
  void on_written(bool ok);
  void on_cancelled();
  /// The call starts nothing any more and goes.
  void on_over();

private:
  void on_message(const wire::Payload& message);
  void on_setup(const wire::Payload& message);
  connection_ptr open_connection_of(const setup_request& setup, const wire::Payload& message);
  /// Nothing if there is none.
  std::optional<answer_budget::share> room_for(std::size_t bytes);
  void start_write();
  /// Finishes once nothing is being written; needs the lock.
  void finish_when_idle();

  grpc_environment& env_;
  /// Lives until the stream is over, which is after `finished_`.
  stream_call& call_;
  const std::string channel_text_;
  const client_channel_ptr channel_;
  wire::Payload incoming_;

  std::mutex lock_;
  std::deque<wire::Payload> outgoing_;
  /// Room for each of them.
  std::deque<answer_budget::share> shares_;
  std::size_t outgoing_bytes_ = 0;
  bool writing_ = false;
  /// A message was refused: the actor wants to hear when there is room.
  bool refused_ = false;
  bool ending_ = false;
  bool finished_ = false;
  grpc::Status status_;
};

} // namespace nacre
