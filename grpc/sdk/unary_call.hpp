#pragma once

#include <optional>

#include "grpc/http2/http2_call.hpp"
#include "grpc/sdk/client_channel.hpp"
#include "grpc/sdk/rpc_call.hpp"

namespace nacre {

/// One unary call: a request comes in, its answer goes out, given by any thread.
class unary_call final : public http2_call, public unary_answer, public posted {
public:
  explicit unary_call(client_channel_ptr channel);

private:
  void on_message(std::string_view bytes) override;
  void on_half_close() override;
  void on_end(const call_status&) override {}
  void deliver(rpc_reply reply) override;
  void deliver_failure(call_status status) override;
  void on_posted() override;
  /// On its own thread now, or there later.
  void give();
  void answer();

  const client_channel_ptr channel_;
  rpc_reply reply_;
  call_status failure_;
  bool handled_ = false;
};

} // namespace nacre
