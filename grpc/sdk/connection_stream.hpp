#pragma once

#include "grpc/http2/http2_call.hpp"
#include "grpc/sdk/client_channel.hpp"

namespace nacre {

/// One bidirectional stream: the client's setup and answers come in, our requests go out. Its end
/// is that of its client's connection, unless another stream was set up as well. On the thread of
/// its channel.
class connection_stream final : public http2_call {
public:
  explicit connection_stream(client_channel_ptr channel);

  /// Ends the stream with a status that makes every SDK connect anew.
  void end(const call_status& why);

private:
  void on_begin() override;
  void on_message(std::string_view bytes) override;
  void on_half_close() override;
  void on_sent(const outgoing_message& message) override;
  void on_end(const call_status& status) override;

  const client_channel_ptr channel_;
};

} // namespace nacre
