#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <memory_resource>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "config/options.hpp"
#include "http/server/answer_queue.hpp"
#include "http/server/router.hpp"
#include "net/connection_places.hpp"

namespace nacre {

class http_server;

/// One connection: reads a request, has it answered, writes the answer, reads the next. Never more
/// than one request is under way, so what a client pipelines waits in the kernel and in a buffer
/// of bounded size. Lives on the thread of its socket's executor; only `post` and `stop` may be
/// called from elsewhere.
class http_session final : public reply_sink, public std::enable_shared_from_this<http_session> {
public:
  http_session(boost::asio::ip::tcp::socket socket, connection_place place, http_server& server,
               answer_queue& answers);
  ~http_session() override;

  void run();

  /// The answer of an actor; goes on to the session's own thread.
  void post(reply answer) override;

  /// The same, on the session's thread.
  void deliver(reply answer) { do_write(std::move(answer)); }

  /// Ends the connection after the request that is under way.
  void stop();

  /// Since when it waits for a request or the rest of one; nothing while one is under way.
  std::optional<steady_time> waits_since() const {
    return answering_ || ended_ ? std::nullopt : std::optional(waits_since_);
  }

  /// Ends the connection at once; on its thread.
  void end() {
    ended_ = true;
    do_close();
  }

  /// Ends the connection if the client was too slow.
  void check_deadline(steady_time now);

private:
  using allocator = std::pmr::polymorphic_allocator<char>;
  using parser = boost::beast::http::request_parser<boost::beast::http::string_body, allocator>;

  struct unsent;

  void begin_request();
  void do_read();
  void on_read(boost::beast::error_code ec, std::size_t bytes);
  /// Parses what has arrived; reads more, or handles the request.
  void parse();
  void handle();
  void refuse(unsigned status);
  void do_write(reply answer);
  /// Sends what is unsent behind the first `written` bytes as the client takes it.
  void do_write_rest(std::size_t written);
  void on_write(boost::beast::error_code ec);
  /// Reads and drops what a refused client still sends, so that it can take the answer.
  void do_discard();
  void do_close();
  void set_deadline(milliseconds from_now);

  http_server& server_;
  answer_queue& answers_;
  boost::asio::ip::tcp::socket socket_;
  const connection_place place_;
  gauge& counted_;
  std::shared_ptr<const std::string> remote_ip_;
  boost::beast::flat_buffer buffer_;
  /// Header fields of one request: given back as a whole before the next.
  std::array<std::byte, 2048> field_space_;
  std::optional<std::pmr::monotonic_buffer_resource> fields_;
  std::optional<parser> parser_;
  std::unique_ptr<unsent> unsent_;
  /// Nothing while the node itself takes its time.
  std::optional<steady_time> deadline_;
  steady_time waits_since_{};
  bool keep_alive_ = false;
  bool answering_ = false;
  /// It makes room for others.
  bool ended_ = false;
  bool stopping_ = false;
  bool told_to_continue_ = false;
  bool refused_ = false;
  std::size_t discarded_ = 0;
};

} // namespace nacre
