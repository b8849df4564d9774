#include <utility>

#include "grpc/link/link_channel.hpp"

#include <algorithm>

#include "grpc/rpc_routes.hpp"

namespace nacre {

namespace {

/// Nodes have no requests yet.
class refused_request final : public http2_call {
public:
  refused_request() : http2_call(link_message_bytes_max) {}

private:
  void on_message(std::string_view) override {
    answered_ = true;
    auto answer = error_response(500, rpc_error::no_handler, "RequestHandler Not Found");
    reply(enveloped(answer.type, std::move(answer.body)));
  }
  void on_half_close() override {
    if (!answered_)
      fail({status_code::internal, "the stream ends without a request"});
  }
  void on_end(const call_status&) override {}

  bool answered_ = false;
};

} // namespace

int link_channel::route_of(std::string_view path) const { return rpc_route_of(path); }

http2_call_ptr link_channel::take_call(int route) {
  auto connection = connection_.lock();
  if (route == unary_route || !connection)
    return std::make_shared<refused_request>();
  std::erase_if(links_, [](auto& x) { return x.expired(); });
  auto link = std::make_shared<accepted_link>(acceptor_, *connection);
  links_.push_back(link);
  return link;
}

bool link_channel::is_known() const {
  return std::any_of(links_.begin(), links_.end(), [](auto& x) {
    auto link = x.lock();
    return link && link->is_proved();
  });
}

} // namespace nacre
