#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/tables/address_budget.hpp"
#include "config/options.hpp"
#include "http/server/answer_queue.hpp"
#include "http/server/request_reader.hpp"
#include "http/server/router.hpp"
#include "net/connection_places.hpp"
#include "net/stream_socket.hpp"

namespace nacre {

class http_server;

/// One connection: reads a request, has it answered, sends the answer, reads the next. Never more
/// than one request is under way, so what a client pipelines waits in the kernel and in a buffer
/// of bounded size; one that waits for its client has no buffer at all. Lives on the I/O thread of
/// its socket; only `post` and `run_there` may be called from elsewhere.
class http_session final : public reply_sink,
                           public socket_user,
                           public std::enable_shared_from_this<http_session> {
public:
  http_session(stream_socket socket, connection_place place, http_server& server,
               answer_queue& answers);
  ~http_session() override;

  /// @param events of its thread
  void run(socket_events& events);

  /// The answer of an actor; goes on to the session's own thread.
  void post(reply answer) override;

  void run_there(std::function<void()> task) override;

  /// Sends an answer, at the end of a round.
  void deliver(reply answer);

  /// Takes what waits already, when others had their turn.
  void go_on();

  /// Ends the connection after the request that is under way.
  void stop();

  /// Since when it waits for a request or the rest of one; nothing while one is under way.
  std::optional<steady_time> waits_since() const {
    return answering_ || ended_ ? std::nullopt : std::optional(waits_since_);
  }

  /// Ends the connection at once.
  void end() {
    ended_ = true;
    do_close();
  }

  /// Ends the connection if the client was too slow.
  void check_deadline(steady_time now);

private:
  struct unsent;

  void on_ready(readiness what) override;
  void begin_request();
  bool may_read() const { return !answering_ && socket_.is_open() && socket_.may_read(); }
  void read();
  /// Takes what waits already, and reads on, when others had their turn.
  void go_on_later();
  void take(std::string_view bytes);
  /// Handles a request if it is whole, and keeps what does not belong to it.
  void parse(std::string_view bytes);
  void handle();
  /// Counts a body that waits for its rest. @returns false at a bound
  bool hold_body();
  void drop_body();
  void refuse(unsigned status, std::string_view why);
  /// Of a refused client, so that it can take the answer.
  void discard(std::size_t bytes);
  /// Sends what is unsent as the client takes it.
  void write_rest();
  void on_sent();
  void do_close();
  void set_deadline(milliseconds from_now);

  http_server& server_;
  answer_queue& answers_;
  stream_socket socket_;
  const connection_place place_;
  gauge& counted_;
  const std::shared_ptr<const std::string> remote_ip_;
  std::optional<request_reader> request_;
  /// What came behind the request, or is too little of one.
  std::string unread_;
  std::unique_ptr<unsent> unsent_;
  /// Of a long body.
  std::unique_ptr<address_budget::share> held_body_;
  /// Nothing while the node itself takes its time.
  std::optional<steady_time> deadline_;
  steady_time waits_since_{};
  std::size_t discarded_ = 0;
  bool keep_alive_ = false;
  bool answering_ = false;
  bool refused_ = false;
  /// It does so; until then nothing more is read, or a client that sends faster than it is served
  /// would fill the buffer.
  bool goes_on_later_ = false;
  /// It makes room for others.
  bool ended_ = false;
  bool stopping_ = false;
};

} // namespace nacre
