#include <utility>

#include "http/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/http/read.hpp>

#include "http/server.hpp"

namespace nacre {

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;

namespace {

http_method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return http_method::get;
    case http::verb::post:
      return http_method::post;
    case http::verb::put:
      return http_method::put;
    case http::verb::delete_:
      return http_method::del;
    case http::verb::patch:
      return http_method::patch;
    default:
      return http_method::other;
  }
}

std::string_view view(beast::string_view x) { return {x.data(), x.size()}; }

/// Fills what handlers need of the headers in one pass over them.
void read_headers(const http::fields& fields, http_request& request) {
  for (auto& field : fields) {
    auto value = view(field.value());
    switch (field.name()) {
      case http::field::content_type:
        request.content_type = value;
        break;
      case http::field::user_agent:
        request.user_agent = value;
        break;
      case http::field::unknown: {
        auto name = field.name_string();
        if (beast::iequals(name, "Client-Version"))
          request.client_version = value;
        else if (beast::iequals(name, "X-Forwarded-For"))
          request.forwarded_for = value;
        else if (beast::iequals(name, "X-Real-IP"))
          request.real_ip = value;
        break;
      }
      default:
        break;
    }
  }
}

void write_head(std::string& head, const reply& answer, bool keep_alive, unsigned version) {
  head.clear();
  head.append(version == 10 ? "HTTP/1.0 " : "HTTP/1.1 ");
  if (answer.status == 200)
    head.append("200 OK\r\n");
  else
    head.append(std::to_string(answer.status))
      .append(" ")
      .append(reason_phrase(answer.status))
      .append("\r\n");
  if (!answer.content_type.empty())
    head.append("Content-Type: ").append(answer.content_type).append("\r\n");
  head.append("Content-Length: ").append(std::to_string(answer.body_size())).append("\r\n");
  if (!keep_alive)
    head.append("Connection: close\r\n");
  else if (version == 10)
    head.append("Connection: keep-alive\r\n");
  head.append("\r\n");
}

} // namespace

http_session::http_session(net::ip::tcp::socket socket, http_server& server)
  : server_(server),
    stream_(std::move(socket)),
    buffer_(server.options().header_bytes_max + server.options().body_bytes_max) {
  beast::error_code ec;
  if (auto remote = stream_.socket().remote_endpoint(ec); !ec)
    remote_ip_ = remote.address().to_string();
  stream_.socket().set_option(net::ip::tcp::no_delay(true), ec);
}

http_session::~http_session() { server_.on_session_end(); }

void http_session::run() { do_read(); }

void http_session::do_read() {
  if (stopping_)
    return do_close();
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(server_.options().header_bytes_max));
  parser_->body_limit(server_.options().body_bytes_max);
  stream_.expires_after(server_.options().read_timeout);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](beast::error_code ec, std::size_t) {
                     self->on_read(ec);
                   });
}

void http_session::on_read(beast::error_code ec) {
  if (ec == http::error::header_limit)
    return refuse(431);
  if (ec == http::error::body_limit)
    return refuse(413);
  if (ec == http::error::buffer_overflow)
    return refuse(413);
  if (ec && ec.category() == http::make_error_code(http::error::bad_method).category()
      && ec != http::error::end_of_stream && ec != http::error::partial_message)
    return refuse(400);
  if (ec)
    return do_close();
  handle();
}

void http_session::refuse(unsigned status) {
  keep_alive_ = false;
  answering_ = true;
  do_write(container_error(status, reason_phrase(status), ""));
}

void http_session::handle() {
  auto& message = parser_->get();
  keep_alive_ = message.keep_alive() && !stopping_;
  http_request request;
  request.method = method_of(message.method());
  request.method_name = view(message.method_string());
  auto target = view(message.target());
  auto mark = target.find('?');
  request.uri = target.substr(0, mark);
  if (mark != std::string_view::npos)
    request.query = target.substr(mark + 1);
  request.body = message.body();
  request.remote_ip = remote_ip_;
  read_headers(message, request);
  answering_ = true;
  if (auto answer = server_.routes().handle(request, shared_from_this()))
    do_write(std::move(*answer));
}

void http_session::post(reply answer) {
  net::post(stream_.get_executor(),
            [self = shared_from_this(), answer = std::move(answer)]() mutable {
              self->do_write(std::move(answer));
            });
}

void http_session::do_write(reply answer) {
  answer_ = std::move(answer);
  keep_alive_ = keep_alive_ && !answer_.close;
  write_head(head_, answer_, keep_alive_, parser_->get().version());
  head_ += answer_.body;
  bool head_request = parser_->is_header_done() && parser_->get().method() == http::verb::head;
  std::array<net::const_buffer, 3> buffers{
    net::buffer(head_), net::buffer(answer_.shared), net::buffer(answer_.tail)};
  if (head_request) {
    buffers[0] = net::buffer(head_.data(), head_.size() - answer_.body.size());
    buffers[1] = buffers[2] = net::const_buffer();
  }
  stream_.expires_after(server_.options().write_timeout);
  net::async_write(stream_, buffers,
                   [self = shared_from_this()](beast::error_code ec, std::size_t) {
                     self->on_write(ec);
                   });
}

void http_session::on_write(beast::error_code ec) {
  answering_ = false;
  answer_ = {};
  if (ec || !keep_alive_)
    return do_close();
  do_read();
}

void http_session::do_close() {
  beast::error_code ec;
  stream_.socket().shutdown(net::ip::tcp::socket::shutdown_send, ec);
  stream_.close();
}

void http_session::stop() {
  net::post(stream_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    self->keep_alive_ = false;
    if (!self->answering_)
      self->do_close();
  });
}

} // namespace nacre
