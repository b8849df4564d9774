#include "grpc/remote_call.hpp"

#include "protocol/naming_response.hpp"

namespace nacre {

namespace {

/// Answers when the actors have answered.
class remote_ticket final : public ticket {
public:
  remote_ticket(unary_answer_ptr answer, std::function<remote_reply(const outcome&)> render)
    : answer_(std::move(answer)), render_(std::move(render)) {}

  ~remote_ticket() override { complete_if_dropped(); }

private:
  void deliver(outcome result) override { answer_->send(render_(result)); }

  unary_answer_ptr answer_;
  std::function<remote_reply(const outcome&)> render_;
};

} // namespace

remote_reply error_response(int result_code, int error_code, std::string_view message) {
  return {"ErrorResponse", failure_body(result_code, error_code, message)};
}

ticket_ptr remote_call::later(std::function<remote_reply(const outcome&)> render) const {
  return std::make_shared<remote_ticket>(answer_, std::move(render));
}

std::string_view remote_call::header(const std::string& key) const {
  auto i = headers.find(key);
  return i == headers.end() ? std::string_view() : std::string_view(i->second);
}

} // namespace nacre
