#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "actors/base/clocks.hpp"
#include "grpc/http2/frame_allowance.hpp"
#include "grpc/http2/frame_space.hpp"
#include "grpc/http2/http2_call.hpp"
#include "grpc/http2/http2_limits.hpp"

namespace nacre {

/// What a node has of one connection on which calls come in. On the thread of the connection.
class call_taker {
public:
  virtual ~call_taker() = default;

  /// A number for a path that is served; negative for one that is not.
  virtual int route_of(std::string_view path) const = 0;

  /// A call of that route begins.
  virtual http2_call_ptr take_call(int route) = 0;

  /// Whether it has shown that it is a client of ours, or a node: then it may hold more.
  virtual bool is_known() const = 0;
};

/// Who takes the bytes of a session to the other end.
class session_owner {
public:
  virtual ~session_owner() = default;

  /// There is something to be sent that did not come of `receive` or `collect`.
  virtual void on_output() = 0;
};

/// gRPC over HTTP/2 on one connection: bytes in, bytes out, by nghttp2. Knows no socket, no TLS and
/// no clock. One thread; the calls' functions must not destroy it.
class http2_session {
public:
  /// Of a connection that was accepted. @param taker has to outlive it
  /// @param space of its thread
  http2_session(http2_common& common, frame_space& space, call_taker& taker, session_owner& owner,
                steady_time now);

  /// Of a connection that this node opened.
  http2_session(http2_common& common, frame_space& space, session_owner& owner, steady_time now);

  ~http2_session();
  http2_session(const http2_session&) = delete;
  http2_session& operator=(const http2_session&) = delete;

  /// Bytes of the other end, as many as `taken` tells then. @returns false if nothing more is to be
  /// read
  bool receive(std::string_view bytes, steady_time now);

  std::size_t taken() const { return taken_; }

  /// Whether it left off since much waits to be sent: `receive` has to be called again, with what
  /// was not taken, when others have had their turn.
  bool has_paused() const { return paused_amid_; }

  /// Appends what is to be sent, about `bytes_max` at most.
  void collect(std::string& out, std::size_t bytes_max);

  /// Whether `collect` has something to give.
  bool wants_to_send() const;

  /// Whether the connection has no more use.
  bool is_over() const;

  /// Begins a call, as who opened the connection; messages follow.
  void open(const http2_call_ptr& call, const std::string& path, const std::string& authority);

  /// Ends the calls whose deadline has passed.
  void check_deadlines(steady_time now);

  /// Asks for a sign of life.
  void ping();

  /// Asks for no more calls. Those under way go on, also those that were sent before the other end
  /// heard of it: not all clients make them again elsewhere.
  void go_away();

  /// No more calls are taken from here on.
  void go_away_now();

  /// The connection is gone: all calls are over.
  void end(const call_status& why);

  /// The other end has sent what HTTP/2 begins with.
  bool has_begun() const { return begun_; }

  /// Calls under way.
  std::size_t calls() const { return calls_; }

  /// Why it ended, if it was the other end's fault.
  std::string_view fault() const { return fault_; }

  /// When a call ended last, or the session began.
  steady_time last_call() const { return last_call_; }

  /// Bytes of messages that wait to be sent.
  std::size_t unsent() const { return unsent_; }

  /// Whether a message of so many bytes would have to wait, as far as one can tell: the other end
  /// does not take what it asked for.
  bool is_behind(std::size_t bytes) const { return unsent_ + bytes > unsent_free_bytes; }

  /// Up to here what waits is not held against an answer budget.
  static constexpr std::size_t unsent_free_bytes = 64 * 1024;

private:
  friend class http2_call;
  friend struct http2_session_events;
  struct callbacks;

  /// What the headers of a call say, as they arrive.
  struct incoming_head {
    std::size_t bytes = 0;
    int route = -1;
    milliseconds timeout{-1};
    unsigned http_status = 0;
    bool is_post = false;
    bool is_grpc = false;
    bool packs = false;
    bool takes_gzip = false;
    bool has_unknown_encoding = false;
    bool has_status = false;
    /// Only of a path that nobody serves.
    std::string unknown_path;
    call_status status;
  };

  void begin(nghttp2_session* session);
  /// Something was given to nghttp2.
  void note_output() {
    if (!busy_)
      owner_.on_output();
  }
  /// @returns false if it sent too many frames
  bool spend(std::int64_t price);
  void on_ping(const nghttp2_ping& ping);

  /// These two @return false if the connection has to end.
  bool on_frame_begin(std::uint8_t type);
  bool on_frame(const nghttp2_frame& frame);
  void on_head_begin();
  void on_header(std::string_view name, std::string_view value);
  void on_request_header(std::string_view name, std::string_view value);
  void on_response_header(std::string_view name, std::string_view value);
  void on_request(std::int32_t stream, bool has_ended);
  void on_response(std::int32_t stream);
  /// @returns whether to leave off
  bool on_data(std::int32_t stream, std::string_view bytes);
  void take_data(http2_call& call, std::string_view bytes);
  void on_half_close(std::int32_t stream);
  void on_stream_close(std::int32_t stream, std::uint32_t error);
  void on_frame_sent(const nghttp2_frame& frame);

  http2_call* call_of(std::int32_t stream) const;
  void attach(const http2_call_ptr& call, std::int32_t stream);
  void end_call(http2_call& call, const call_status& status);
  void fail_call(http2_call& call, const call_status& status);
  bool has_window(std::int32_t stream) const;
  void drop_queue(http2_call& call);
  /// Answers a stream that has no call.
  void refuse(std::int32_t stream, const call_status& status, const char* http_status = "200");
  /// So many bytes are kept of a message of the call that is not complete.
  /// @returns false if that is too much, and changes nothing
  bool hold_partial(http2_call& call, std::size_t bytes);

  void send_headers(http2_call& call);
  void send(http2_call& call, outgoing_message message);
  void finish(http2_call& call);
  void cancel(http2_call& call);
  /// Ends the call here, and its stream by a reset.
  void cut_off(http2_call& call, const call_status& status);
  void wake(http2_call& call);
  void submit_trailers(const http2_call& call);
  /// What comes next of the messages of a call. @returns bytes, or an error of nghttp2
  ssize_t next_data(http2_call& call, std::size_t bytes_max, std::uint32_t& flags);
  void copy_data(http2_call& call, std::string_view frame_head, std::size_t bytes);

  /// Its answer shows that the other end has heard what was sent before.
  static constexpr std::uint8_t leaving_ping[8] = {'l', 'e', 'a', 'v', 'i', 'n', 'g', 0};

  http2_common& common_;
  session_owner& owner_;
  call_taker* const taker_ = nullptr;
  nghttp2_session* session_ = nullptr;
  std::string* out_ = nullptr;
  std::size_t out_max_ = 0;
  /// Calls that have more to send than the last `collect` took.
  std::vector<std::weak_ptr<http2_call>> paused_;
  /// The last words to who speaks no HTTP/2.
  std::string_view last_words_;
  std::string_view fault_;
  std::unique_ptr<incoming_head> incoming_;
  http2_call* first_call_ = nullptr;
  std::size_t calls_ = 0;
  std::size_t unsent_ = 0;
  std::size_t partial_ = 0;
  /// Of the last `receive`.
  std::size_t taken_ = 0;
  std::size_t unsent_before_ = 0;
  steady_time now_;
  steady_time last_call_;
  frame_allowance allowance_;
  bool begun_ = false;
  bool has_deadlines_ = false;
  bool flooded_ = false;
  bool failed_ = false;
  bool paused_amid_ = false;
  /// Told that no more calls are wanted.
  bool leaving_ = false;
  /// Amid `receive` or `collect`.
  bool busy_ = false;
};

} // namespace nacre
