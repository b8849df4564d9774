#pragma once

#include <atomic>

#include "grpc/sdk/client_channel.hpp"
#include "grpc/sdk/rpc_call.hpp"

namespace nacre {

/// Answers the unary requests of all connections: checks them in the reference's order, finds
/// their handlers, lets them wait for a setup. Any thread.
class request_service {
public:
  explicit request_service(grpc_environment& env);

  grpc_environment& env() const { return env_; }
  address_budget& answers() const { return env_.api.context->tables.answers; }
  std::size_t message_bytes_max() const {
    return env_.api.context->options.connections.message_bytes_max;
  }

  /// On the thread of the channel; `in` is valid during the call.
  void handle(const client_channel_ptr& from, const wire::Payload& in,
              const unary_answer_ptr& answer);

private:
  static rpc_reply server_check(client_channel& from);
  static void refuse_unknown(const std::string& type, const unary_answer_ptr& answer);
  void invoke(rpc_handler handler, const connection_ptr& client, const wire::Payload& in,
              const unary_answer_ptr& answer);
  void hold(const client_channel_ptr& from, rpc_handler handler, const wire::Payload& in,
            const unary_answer_ptr& answer);

  grpc_environment& env_;
  rpc_handlers handlers_;
  std::atomic<int> held_{0};
};

} // namespace nacre
