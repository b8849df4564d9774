#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

#include "grpc/http2/http2_session.hpp"
#include "grpc/http2/http2_worker.hpp"
#include "grpc/http2/tls_stream.hpp"
#include "net/connection_places.hpp"
#include "net/stream_socket.hpp"

namespace nacre {

/// What a node has of a connection; on the thread of that, and no longer than it.
class connection_user : public call_taker {
public:
  /// The node takes no more calls on this connection.
  virtual void on_go_away() {}

  /// The connection has ended, after its calls; the last.
  /// @param refused nobody listens where we wanted to go
  virtual void on_closed(bool refused, const call_status& why) = 0;
};

/// One TCP connection that speaks gRPC: reads bytes, has them understood, writes what comes of it.
/// Lives on one I/O thread.
class http2_connection final : public std::enable_shared_from_this<http2_connection>,
                               public session_owner,
                               public socket_user {
public:
  /// How an accepted connection may greet.
  struct greeting {
    /// Null without TLS.
    tls_context tls;
    bool plain = true;
  };

  /// Of a port. `begin` follows.
  http2_connection(http2_worker& worker, stream_socket socket, connection_place place,
                   greeting welcome);

  /// To another node. `connect` follows.
  explicit http2_connection(http2_worker& worker);

  ~http2_connection() override;

  /// Serves what comes in for `user`.
  void begin(std::shared_ptr<connection_user> user);

  /// Connects to `host:port`, with TLS unless `tls` is null.
  void connect(const std::string& host, std::uint16_t port, const tls_context& tls,
               milliseconds patience, std::shared_ptr<connection_user> user);

  /// Only between `begin` or `connect` and the end.
  http2_session& session() { return *session_; }

  http2_worker& worker() const { return worker_; }

  /// Of the other end, as we see it.
  const std::string& address() const { return place_->address(); }
  std::uint16_t port() const { return port_; }

  /// Ends it at once.
  void close(const call_status& why);

  /// No more calls are taken; it ends with the last.
  void go_away();

  /// Writes what there is to be sent.
  void flush();

  void on_tick(steady_time now);

  /// Whether nobody would miss it.
  bool is_dispensable() const;
  steady_time idle_since() const;

private:
  using tcp = boost::asio::ip::tcp;

  void on_ready(readiness what) override;
  void on_output() override;
  void start_session(std::shared_ptr<connection_user> user);
  void on_connected(boost::system::error_code failed, const std::string& host,
                    const tls_context& tls);
  /// Hears of the socket from now on, or ends at once.
  bool watch_socket();
  void read();
  /// @returns false if nothing more is to be read
  bool take(std::string_view bytes);
  bool take_first(std::string_view bytes);
  bool take_plain(std::string_view bytes);
  /// Takes the rest, and reads on, when others had their turn.
  void go_on_later();
  void go_on();
  /// Says our last words, with a line for the fault.
  void take_no_more();
  /// What came of what was read is sent when others were read as well.
  void end_turn();
  /// Ends it at once for a fault that is counted.
  void close_for(std::atomic<std::uint64_t>& counter, const char* fault);
  /// A line for an end that is the other end's fault, unless that was said lately.
  void log_fault(std::string_view fault);
  /// Sends `bytes`, or keeps what the socket does not take.
  void write(std::string_view bytes);
  void write_backlog();
  /// Says no more and reads on for a while, so that the other end gets our last words.
  void end_softly();
  bool watch_handshake(steady_time now);
  bool watch_silence(steady_time now);
  bool watch_stall(steady_time now);

  enum class phase : std::uint8_t { connecting, greeting, open, ending, closed };

  http2_worker& worker_;
  stream_socket socket_;
  /// While we connect.
  std::shared_ptr<tcp::socket> dialing_;
  std::optional<connection_place> place_;
  greeting welcome_;
  std::shared_ptr<connection_user> user_;
  std::unique_ptr<tls_stream> tls_;
  const std::shared_ptr<frame_space> frames_;
  std::unique_ptr<http2_session> session_;
  /// What was read and not understood yet, while others have their turn.
  std::string rest_;
  /// What the socket did not take.
  std::string backlog_;
  const steady_time began_;
  steady_time last_read_;
  /// When it began to take nothing of what waits.
  steady_time stalled_since_;
  std::optional<steady_time> pinged_;
  /// When the other end has to have begun, TCP and TLS included.
  steady_time begun_by_;
  /// When it ends at the latest, once it is ending.
  steady_time end_by_;
  std::uint64_t written_ = 0;
  std::uint64_t written_before_ = 0;
  std::uint16_t port_ = 0;
  phase phase_;
  /// The other end has said something that its session got.
  bool heard_ = false;
  bool marked_ = false;
  bool goes_on_later_ = false;
};

} // namespace nacre
