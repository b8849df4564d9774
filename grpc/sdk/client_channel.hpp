#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/connections/connection_client.hpp"
#include "grpc/http2/http2_connection.hpp"
#include "grpc/payload.hpp"
#include "protocol/naming_request.hpp"

namespace nacre {

class connection_stream;
class request_service;

/// One TCP connection of a client: its unary calls, its streams, the id that ServerCheck tells,
/// and, from the first setup to the end of its streams, one `connection` of the registry. On its
/// I/O thread, but for what actors use of it: `send` and `close`.
class client_channel final : public connection_user,
                             public connection_link,
                             public posted,
                             public std::enable_shared_from_this<client_channel> {
public:
  client_channel(request_service& service, const http2_connection_ptr& connection);

  /// What ServerCheck tells; another one after the `connection` that had it has ended.
  const std::string& id();

  const std::string& ip() const { return ip_; }
  std::uint16_t port() const { return port_; }

  /// Null before a setup and after the end.
  const connection_ptr& live() const { return live_; }

  /// Whether it asked for its id or opened a stream, and so may be about to be set up.
  bool is_expected() const { return expected_; }

  request_service& service() const { return service_; }

  /// Where its calls are told of what other threads have for them.
  const std::shared_ptr<http2_inbox>& inbox() const { return inbox_; }

  /// Calls `resume` once the setup came, or when `patience` is over.
  void when_set_up(milliseconds patience, std::function<void()> resume);

  // -- what its streams tell ---------------------------------------------------------------------

  void on_stream_message(const std::shared_ptr<connection_stream>& stream,
                         const wire::Payload& message);

  /// The stream says no more; the end of the last that was set up is that of the `connection`.
  void on_stream_end(const connection_stream* stream);

  void on_stream_sent(const outgoing_message& message);

  // -- connection_user ---------------------------------------------------------------------------

  int route_of(std::string_view path) const override;
  http2_call_ptr take_call(int route) override;
  bool is_known() const override { return live_ != nullptr; }
  void on_go_away() override;
  void on_closed(bool refused, const call_status& why) override;

  // -- connection_link, any thread ---------------------------------------------------------------

  bool send(server_request request) override;
  void close(std::string_view why) override;

  // -- posted ------------------------------------------------------------------------------------

  void on_posted() override;

private:
  struct bound_stream {
    std::shared_ptr<connection_stream> stream;
    bool naming = false;
  };

  struct waiting_request {
    server_request what;
    address_budget::share share;
  };

  void on_setup(const std::shared_ptr<connection_stream>& stream, const wire::Payload& message);
  void acknowledge_setup(connection_stream& stream, const setup_request& setup,
                         std::string_view module);
  connection_ptr open_connection_of(const setup_request& setup, const wire::Payload& message);
  void end_streams(const std::string& why);
  /// Pushes go to the first stream for naming, else to the first.
  connection_stream& stream_for_pushes() const;
  void resume_waiting();

  request_service& service_;
  const std::weak_ptr<http2_connection> connection_;
  const std::shared_ptr<http2_inbox> inbox_;
  boost::asio::io_context& io_;
  const std::string ip_;
  const std::uint16_t port_;
  std::string id_;
  connection_ptr live_;
  /// Set up, in order.
  std::vector<bound_stream> streams_;
  std::map<std::uint64_t, std::function<void()>> waiting_;
  std::uint64_t last_waiter_ = 0;
  /// Requests that its streams were given and that have no answer yet. No more answers than that
  /// go to the actor: whoever answers what nobody asked costs it nothing.
  std::size_t unanswered_ = 0;
  bool expected_ = false;

  std::mutex lock_;
  // Needs the lock: what actors gave and no stream has yet, ...
  std::vector<waiting_request> pushes_;
  // ... and what no socket has yet.
  std::size_t outgoing_ = 0;
  std::size_t outgoing_bytes_ = 0;
  std::string closing_why_;
  bool has_streams_ = false;
  bool closing_ = false;
  /// A message was refused: the actor wants to hear when there is room.
  bool refused_ = false;
};

using client_channel_ptr = std::shared_ptr<client_channel>;

} // namespace nacre
