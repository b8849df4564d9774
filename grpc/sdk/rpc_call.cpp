#include "grpc/sdk/rpc_call.hpp"

#include <spdlog/spdlog.h>

namespace nacre {

namespace {

/// Answers when the actors have answered.
class rpc_ticket final : public ticket {
public:
  rpc_ticket(unary_answer_ptr answer, std::function<rpc_reply(const outcome&)> render)
    : answer_(std::move(answer)), render_(std::move(render)) {}

  ~rpc_ticket() override { complete_if_dropped(); }

private:
  /// On an actor's thread, which is not to suffer for what fails here.
  void deliver(outcome result) override {
    try {
      answer_->send(render_(result));
    } catch (const std::exception& failure) {
      spdlog::error("answer-failed: {}", failure.what());
      answer_->send(error_response(500, rpc_error::server_error, "server error"));
    }
  }

  unary_answer_ptr answer_;
  std::function<rpc_reply(const outcome&)> render_;
};

} // namespace

ticket_ptr rpc_call::later(std::function<rpc_reply(const outcome&)> render) const {
  return std::make_shared<rpc_ticket>(answer_, std::move(render));
}

std::string_view rpc_call::header(const std::string& key) const {
  auto i = headers.find(key);
  return i == headers.end() ? std::string_view() : std::string_view(i->second);
}

} // namespace nacre
