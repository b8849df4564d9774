#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "actors/connections/connection_client.hpp"
#include "grpc/http2/call_status.hpp"
#include "grpc/payload.hpp"
#include "grpc/sdk/grpc_environment.hpp"
#include "protocol/naming_rules.hpp"

namespace nacre {

/// The place a unary call's answer goes to; takes one. Any thread.
class unary_answer {
public:
  virtual ~unary_answer() = default;

  void send(rpc_reply reply) {
    if (!sent_.exchange(true))
      deliver(std::move(reply));
  }

  /// Fails the call itself.
  void fail(status_code code, std::string text) {
    if (!sent_.exchange(true))
      deliver_failure({code, std::move(text)});
  }

private:
  virtual void deliver(rpc_reply reply) = 0;
  virtual void deliver_failure(call_status status) = 0;

  std::atomic<bool> sent_{false};
};

using unary_answer_ptr = std::shared_ptr<unary_answer>;

/// One request of a registered connection on its way to its handler.
class rpc_call {
public:
  rpc_call(grpc_environment& environment, connection_ptr from, const wire::Payload& payload,
           unary_answer_ptr answer)
    : env(environment),
      client(std::move(from)),
      body(body_of(payload)),
      headers(payload.metadata().headers()),
      answer_(std::move(answer)) {}

  node_context& context() const { return *env.api.context; }

  void reply(std::string_view type, message_body body_json) const {
    answer_->send({type, std::move(body_json)});
  }
  void reply(rpc_reply x) const { answer_->send(std::move(x)); }

  /// A ticket whose outcome becomes the answer by `render`.
  ticket_ptr later(std::function<rpc_reply(const outcome&)> render) const;

  /// The header `key` of the envelope, empty if there is none.
  std::string_view header(const std::string& key) const;

  grpc_environment& env;
  const connection_ptr client;
  const std::string& body;
  const google::protobuf::Map<std::string, std::string>& headers;

private:
  unary_answer_ptr answer_;
};

/// What answers a type of request. May throw `unreadable_request`.
using rpc_handler = void (*)(rpc_call&);

using rpc_handlers = std::unordered_map<std::string_view, rpc_handler>;

void add_naming_handlers(rpc_handlers& table);
void add_core_handlers(rpc_handlers& table);

} // namespace nacre
