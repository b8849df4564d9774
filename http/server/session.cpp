#include <utility>

#include "http/server/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "http/server/message_length.hpp"
#include "http/server/server.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;

namespace {

http_method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return http_method::get;
    case http::verb::head:
      return http_method::head;
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

/// Shorter answers fit the buffers of the kernel, so room for them is asked for only if not.
constexpr std::size_t long_answer_bytes = 64 * 1024;

/// Up to here the parts of an answer are copied into one piece: a list of pieces costs the kernel
/// more than that.
constexpr std::size_t short_answer_bytes = 8 * 1024;

std::string_view view(beast::string_view x) { return {x.data(), x.size()}; }

/// Fills what handlers need of the headers in one pass over them.
template <class Fields>
void read_headers(const Fields& fields, http_request& request) {
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

/// Whether a line of `head` goes on in the next, which begins with a blank (RFC 9112 §5.2).
bool is_folded(std::string_view head) {
  for (auto end = head.find('\n'); end != head.npos && end + 1 < head.size();
       end = head.find('\n', end + 1))
    if (head[end + 1] == ' ' || head[end + 1] == '\t')
      return true;
  return false;
}

/// The path and query of a target, which may also be a whole address (RFC 9112 §3.2.2).
std::string_view origin_form(std::string_view target) {
  auto scheme = target.find("://");
  if (scheme == std::string_view::npos || !equals_ignore_case(target.substr(0, scheme), "http"))
    return target;
  auto path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
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
  head.append(answer.more_headers)
    .append("Content-Length: ")
    .append(std::to_string(answer.body_size()))
    .append("\r\n");
  if (!keep_alive)
    head.append("Connection: close\r\n");
  else if (version == 10)
    head.append("Connection: keep-alive\r\n");
  head.append("\r\n");
}

/// `head` holds the head and the body of `answer`; behind it come the parts that nobody copied.
std::array<net::const_buffer, 5> pieces_of(const std::string& head, const reply& answer) {
  return {net::buffer(head), net::buffer(answer.shared[0]), net::buffer(answer.shared[1]),
          net::buffer(answer.shared[2]), net::buffer(answer.tail)};
}

} // namespace

/// An answer that the client did not take at once, with what it costs the budget.
struct http_session::unsent {
  unsent(std::string head_bytes, reply of, answer_budget::share cost)
    : head(std::move(head_bytes)), answer(std::move(of)), share(std::move(cost)) {}

  std::string head;
  reply answer;
  answer_budget::share share;
};

http_session::http_session(net::ip::tcp::socket socket, connection_place place, http_server& server,
                           answer_queue& answers)
  : server_(server),
    answers_(answers),
    socket_(std::move(socket)),
    place_(std::move(place)),
    counted_(server.routes().counters().http_connections),
    remote_ip_(std::make_shared<const std::string>(place_.address())),
    buffer_(server.options().header_bytes_max + server.options().body_bytes_max) {
  beast::error_code ec;
  socket_.set_option(net::ip::tcp::no_delay(true), ec);
  socket_.non_blocking(true, ec);
  counted_ += 1;
}

http_session::~http_session() { counted_ += -1; }

void http_session::run() {
  begin_request();
  do_read();
}

void http_session::set_deadline(milliseconds from_now) { deadline_ = steady_now() + from_now; }

void http_session::check_deadline(steady_time now) {
  if (deadline_ && now > *deadline_)
    do_close();
}

void http_session::begin_request() {
  parser_.reset();
  fields_.emplace(field_space_.data(), field_space_.size());
  parser_.emplace(std::piecewise_construct, std::make_tuple(),
                  std::make_tuple(allocator(&*fields_)));
  parser_->header_limit(static_cast<std::uint32_t>(server_.options().header_bytes_max));
  parser_->body_limit(server_.options().body_bytes_max);
  parser_->eager(false); // the first bytes it takes are the head and no more
  told_to_continue_ = false;
  waits_since_ = steady_now();
  deadline_ = waits_since_ + server_.options().read_timeout;
}

void http_session::do_read() {
  constexpr std::size_t read_bytes = 4096;
  auto room = std::min(read_bytes, buffer_.max_size() - buffer_.size());
  socket_.async_read_some(buffer_.prepare(room),
                          [self = shared_from_this()](beast::error_code ec, std::size_t bytes) {
                            self->on_read(ec, bytes);
                          });
}

void http_session::on_read(beast::error_code ec, std::size_t bytes) {
  if (ec || bytes == 0)
    return do_close(); // the client is gone; half a request is none
  buffer_.commit(bytes);
  parse();
}

void http_session::parse() {
  beast::error_code ec;
  while (!parser_->is_done() && buffer_.size() > 0) {
    bool in_head = !parser_->is_header_done();
    auto used = parser_->put(buffer_.data(), ec);
    // Who unfolds a Content-Length and who skips it see different requests, so nobody is to guess.
    if (in_head && is_folded({static_cast<const char*>(buffer_.data().data()), used}))
      return refuse(400);
    if (in_head && parser_->is_header_done() && !has_clear_length(parser_->get()))
      return refuse(400);
    parser_->eager(parser_->is_header_done());
    buffer_.consume(used);
    if (ec || used == 0)
      break;
  }
  if (ec == http::error::header_limit)
    return refuse(431);
  if (ec == http::error::body_limit)
    return refuse(413);
  if (ec && ec != http::error::need_more)
    return refuse(400);
  if (parser_->is_done())
    return handle();
  if (parser_->is_header_done() && !told_to_continue_
      && beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
    told_to_continue_ = true;
    socket_.write_some(net::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25), ec);
  }
  // What the parser could not use yet is part of the header, and bounded as such.
  if (buffer_.size() > server_.options().header_bytes_max)
    return refuse(431);
  do_read();
}

void http_session::refuse(unsigned status) {
  keep_alive_ = false;
  answering_ = true;
  refused_ = true;
  do_write(container_error(status, reason_phrase(status), ""));
}

void http_session::handle() {
  auto& message = parser_->get();
  keep_alive_ = parser_->keep_alive() && !stopping_;
  http_request request;
  request.method = method_of(message.method());
  request.method_name = view(message.method_string());
  auto target = origin_form(view(message.target()));
  auto mark = target.find('?');
  request.uri = target.substr(0, mark);
  if (mark != std::string_view::npos)
    request.query = target.substr(mark + 1);
  request.body = message.body();
  request.remote_ip = remote_ip_;
  read_headers(message, request);
  answering_ = true;
  deadline_.reset();
  if (auto answer = server_.routes().handle(request, shared_from_this()))
    do_write(std::move(*answer));
}

void http_session::post(reply answer) { answers_.add(shared_from_this(), std::move(answer)); }

void http_session::do_write(reply answer) {
  auto& budget = server_.routes().answers();
  answer_budget::share share;
  if (answer.body_size() >= long_answer_bytes) {
    share = budget.take(*remote_ip_, answer.body_size());
    if (!share)
      answer = container_error(503, "too much is on its way to clients that do not read", "");
  }
  keep_alive_ = keep_alive_ && !answer.close;
  // One for each thread: a session needs its own only while its client takes an answer slowly.
  static thread_local std::string head;
  write_head(head, answer, keep_alive_, parser_->get().version());
  if (parser_->is_header_done() && parser_->get().method() == http::verb::head)
    answer = {};
  bool is_short = answer.body_size() <= short_answer_bytes;
  head += answer.body;
  if (is_short) {
    for (auto& part : answer.shared)
      head += std::exchange(part, {});
    head += std::exchange(answer.tail, {});
  }
  // Most answers fit the socket's buffer: then no operation has to be queued.
  auto pieces = pieces_of(head, answer);
  auto total = net::buffer_size(pieces);
  bool one_piece = total == head.size();
  beast::error_code ec;
  auto written = one_piece ? socket_.write_some(pieces[0], ec) : socket_.write_some(pieces, ec);
  if (ec && ec != net::error::would_block)
    return on_write(ec);
  if (!ec && written == total)
    return on_write({});
  if (!share)
    share = budget.take(*remote_ip_, total - written);
  if (!share)
    return do_close(); // a part of it is sent: no other answer can follow
  unsent_ = std::make_unique<unsent>(std::move(head), std::move(answer), std::move(share));
  do_write_rest(written);
}

void http_session::do_write_rest(std::size_t written) {
  set_deadline(server_.options().write_timeout);
  auto pieces = pieces_of(unsent_->head, unsent_->answer);
  for (auto& x : pieces) {
    auto skipped = std::min(written, x.size());
    x += skipped;
    written -= skipped;
  }
  net::async_write(
    socket_, pieces,
    [self = shared_from_this()](beast::error_code failed, std::size_t) { self->on_write(failed); });
}

void http_session::on_write(beast::error_code ec) {
  answering_ = false;
  unsent_.reset();
  if (!ec && refused_)
    return do_discard();
  if (ec || !keep_alive_)
    return do_close();
  begin_request();
  // Through the queue: others get their turn, though a pipelined request waits already, and else
  // the next request has often arrived by then, so that the read finds it at once.
  net::post(socket_.get_executor(), [self = shared_from_this()] { self->parse(); });
}

void http_session::do_discard() {
  // Closing a socket with unread bytes resets the connection, and the client may lose the answer.
  constexpr std::size_t discard_bytes_max = 8 * 1024 * 1024;
  constexpr auto patience = std::chrono::seconds(5);
  beast::error_code ec;
  if (discarded_ == 0) {
    socket_.shutdown(net::ip::tcp::socket::shutdown_send, ec);
    set_deadline(patience);
    buffer_.clear();
  }
  socket_.async_read_some(buffer_.prepare(4096),
                          [self = shared_from_this()](beast::error_code failed, std::size_t bytes) {
                            self->discarded_ += bytes;
                            if (failed || self->discarded_ > discard_bytes_max)
                              return self->do_close();
                            self->do_discard();
                          });
}

void http_session::do_close() {
  beast::error_code ec;
  socket_.shutdown(net::ip::tcp::socket::shutdown_send, ec);
  socket_.close(ec);
}

void http_session::stop() {
  net::post(socket_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    self->keep_alive_ = false;
    if (!self->answering_)
      self->do_close();
  });
}

} // namespace nacre
