#pragma once

#include <array>
#include <memory>
#include <optional>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "config/options.hpp"
#include "http/router.hpp"

namespace nacre {

class http_server;

/// One connection: reads a request, has it answered, writes the answer, reads the next. Never more
/// than one request is under way, so what a client pipelines waits in the kernel and in a buffer
/// of bounded size. Lives on the thread of its socket's executor; only `post` and `stop` may be
/// called from elsewhere.
class http_session final : public reply_sink, public std::enable_shared_from_this<http_session> {
public:
  http_session(boost::asio::ip::tcp::socket socket, http_server& server);
  ~http_session() override;

  void run();

  /// The answer of an actor; goes on to the session's own thread.
  void post(reply answer) override;

  /// Ends the connection after the request that is under way.
  void stop();

private:
  void do_read();
  void on_read(boost::beast::error_code ec);
  void handle();
  void refuse(unsigned status);
  void do_write(reply answer);
  void on_write(boost::beast::error_code ec);
  void do_close();

  http_server& server_;
  boost::beast::tcp_stream stream_;
  std::string remote_ip_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  reply answer_;
  std::string head_;
  bool keep_alive_ = false;
  bool answering_ = false;
  bool stopping_ = false;
};

} // namespace nacre
