#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/base/cell.hpp"
#include "grpc/http2/http2_connection.hpp"
#include "net/tcp_listener.hpp"

namespace nacre {

/// A port for gRPC, on the node's I/O threads: plain, with TLS, or both. Started and stopped by the
/// main thread.
class grpc_port final : public connection_taker {
public:
  /// Who answers the calls of a new connection; on its thread.
  using user_maker =
    std::function<std::shared_ptr<connection_user>(const http2_connection_ptr& connection)>;

  /// @param threads have to run until `stop` has returned
  /// @throws std::runtime_error if a TLS file can't be used
  /// @param counters have to outlive it
  grpc_port(io_threads& threads, listen_options where, const http2_limits& limits,
            port_counters& counters, tls_files files, user_maker make_user);
  ~grpc_port() override;

  /// @throws std::runtime_error if the port can't be had
  void start();

  /// Takes no more connections and calls.
  void go_away();

  /// Waits at most `grace` for calls under way, and ends all connections.
  void stop(milliseconds grace);

  std::uint16_t port() const { return listener_->port(); }
  const http2_common& common() const { return common_; }

private:
  void take(std::size_t thread, stream_socket socket, connection_place place,
            bool crowded) override;
  void refuse(stream_socket socket) override { socket.close(); }
  void on_scarce(const std::string& why) override;
  void on_plenty() override {}

  void begin(http2_worker& worker, stream_socket socket, connection_place place);
  void watch_files();

  io_threads& threads_;
  http2_common common_;
  const tls_files files_;
  const user_maker make_user_;
  /// Changes when its files do; on the first I/O thread, read by all.
  cell<tls_context> tls_;
  std::string files_seen_;
  boost::asio::steady_timer files_timer_;
  std::vector<std::unique_ptr<http2_worker>> workers_;
  const std::shared_ptr<tcp_listener> listener_;
  std::atomic<bool> stopping_{false};
};

} // namespace nacre
