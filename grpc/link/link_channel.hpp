#pragma once

#include <memory>

#include "grpc/http2/http2_connection.hpp"
#include "grpc/link/accepted_link.hpp"

namespace nacre {

/// One TCP connection to the port for nodes. On its I/O thread.
class link_channel final : public connection_user {
public:
  link_channel(std::shared_ptr<link_acceptor> acceptor, const http2_connection_ptr& connection)
    : acceptor_(std::move(acceptor)), connection_(connection) {}

  int route_of(std::string_view path) const override;
  http2_call_ptr take_call(int route) override;
  bool is_known() const override;
  void on_closed(bool, const call_status&) override {}

private:
  const std::shared_ptr<link_acceptor> acceptor_;
  const std::weak_ptr<http2_connection> connection_;
  std::vector<std::weak_ptr<accepted_link>> links_;
};

} // namespace nacre
