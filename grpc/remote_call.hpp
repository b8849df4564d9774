#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "grpc/connection_stream.hpp"
#include "protocol/naming_rules.hpp"

namespace nacre {

/// Nacos' codes of errors that gRPC clients act on (`NacosException`, `ErrorCode`).
namespace remote_error {
inline constexpr int starting = 300;
inline constexpr int unregistered = 301;
inline constexpr int no_handler = 302;
inline constexpr int invalid_parameter = 400;
inline constexpr int server_error = 500;
inline constexpr int not_implemented = 501;
inline constexpr int bad_gateway = 502;
inline constexpr int over_threshold = 503;
inline constexpr int watch_patterns_limit = 50310;
inline constexpr int watch_matches_limit = 50311;
} // namespace remote_error

/// An `ErrorResponse`: what clients take for a failure of the call itself. They send it again at
/// once, so what a request asks for wrongly is answered by a typed failure wherever Nacos does.
remote_reply error_response(int result_code, int error_code, std::string_view message);

/// The place a unary call's answer goes to; takes one. Any thread.
class unary_answer {
public:
  virtual ~unary_answer() = default;

  void send(remote_reply reply) {
    if (!sent_.exchange(true))
      deliver(std::move(reply));
  }

  /// Fails the call itself.
  void fail(grpc::StatusCode code, const std::string& text) {
    if (!sent_.exchange(true))
      deliver_failure(grpc::Status(code, text));
  }

private:
  virtual void deliver(remote_reply reply) = 0;
  virtual void deliver_failure(const grpc::Status& status) = 0;

  std::atomic<bool> sent_{false};
};

using unary_answer_ptr = std::shared_ptr<unary_answer>;

/// One request of a registered connection on its way to its handler.
class remote_call {
public:
  remote_call(grpc_environment& environment, connection_ptr from, const wire::Payload& payload,
              unary_answer_ptr answer)
    : env(environment),
      client(std::move(from)),
      body(body_of(payload)),
      headers(payload.metadata().headers()),
      answer_(std::move(answer)) {}

  node_context& context() const { return *env.api.context; }

  void reply(std::string_view type, std::string body_json) const {
    answer_->send({type, std::move(body_json)});
  }
  void reply(remote_reply x) const { answer_->send(std::move(x)); }

  /// A ticket whose outcome becomes the answer by `render`.
  ticket_ptr later(std::function<remote_reply(const outcome&)> render) const;

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
using remote_handler = void (*)(remote_call&);

using remote_handlers = std::unordered_map<std::string_view, remote_handler>;

void add_naming_handlers(remote_handlers& table);
void add_core_handlers(remote_handlers& table);

} // namespace nacre
