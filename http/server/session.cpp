#include <utility>

#include "http/server/session.hpp"

#include <algorithm>
#include <array>

#include "http/server/server.hpp"

namespace nacre {

namespace {

/// What is read at one time.
constexpr std::size_t read_bytes = 16 * 1024;

/// Reads in a row before others get their turn.
constexpr int turns_max = 4;

/// Shorter answers fit the buffers of the kernel, so room for them is asked for only if not.
constexpr std::size_t long_answer_bytes = 64 * 1024;

/// Up to here the parts of an answer are copied into one piece: a list of pieces costs the kernel
/// more than that.
constexpr std::size_t short_answer_bytes = 8 * 1024;

/// A body that is not complete is counted when it takes more; most never are.
constexpr std::size_t small_body_bytes = 8 * 1024;

/// Of what a refused client still sends, ...
constexpr std::size_t discarded_bytes_max = 8 * 1024 * 1024;
/// ... and for how long.
constexpr milliseconds discarding_patience{5'000};

void write_head(std::string& head, const reply& answer, bool keep_alive, bool in_http10) {
  head.clear();
  head.append(in_http10 ? "HTTP/1.0 " : "HTTP/1.1 ");
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
  else if (in_http10)
    head.append("Connection: keep-alive\r\n");
  head.append("\r\n");
}

/// `head` holds the head and the body of `answer`; behind it come the parts that nobody copied.
std::array<std::string_view, 5> pieces_of(std::string_view head, const reply& answer) {
  return {head, answer.shared[0], answer.shared[1], answer.shared[2], answer.tail};
}

} // namespace

/// An answer that the client did not take at once, with what it costs the budget.
struct http_session::unsent {
  unsent(std::string head_bytes, reply of, std::size_t sent, address_budget::share cost)
    : head(std::move(head_bytes)), answer(std::move(of)), written(sent), share(std::move(cost)) {}

  /// What is left of it, behind what was written.
  std::array<std::string_view, 5> rest() const {
    auto pieces = pieces_of(head, answer);
    auto skipped = written;
    for (auto& x : pieces) {
      auto part = std::min(skipped, x.size());
      x.remove_prefix(part);
      skipped -= part;
    }
    return pieces;
  }

  std::string head;
  reply answer;
  std::size_t written;
  address_budget::share share;
};

http_session::http_session(stream_socket socket, connection_place place, http_server& server,
                           answer_queue& answers)
  : server_(server),
    answers_(answers),
    socket_(std::move(socket)),
    place_(std::move(place)),
    counted_(server.routes().counters().http_connections),
    remote_ip_(std::make_shared<const std::string>(place_.address())) {
  counted_ += 1;
}

http_session::~http_session() { counted_ += -1; }

void http_session::run(socket_events& events) {
  socket_.prepare();
  begin_request();
  if (!socket_.watch(events, shared_from_this()))
    do_close();
}

void http_session::set_deadline(milliseconds from_now) { deadline_ = steady_now() + from_now; }

void http_session::check_deadline(steady_time now) {
  if (deadline_ && now > *deadline_)
    do_close();
}

// -- what comes in -------------------------------------------------------------------------------

void http_session::begin_request() {
  auto& bounds = server_.options();
  request_.emplace(bounds.header_bytes_max, bounds.body_bytes_max, remote_ip_);
  waits_since_ = steady_now();
  deadline_ = waits_since_ + bounds.read_timeout;
}

void http_session::on_ready(readiness what) {
  socket_.note(what);
  if (what.writable && unsent_)
    write_rest();
  if (!goes_on_later_)
    read();
}

void http_session::read() {
  std::array<char, read_bytes> space;
  for (int turn = 0; turn < turns_max && may_read(); ++turn) {
    boost::system::error_code failed;
    auto size = socket_.read(space, failed);
    if (would_block(failed))
      return;
    if (failed || size == 0)
      return do_close(); // the client is gone; half a request is none
    if (refused_)
      discard(size);
    else
      take({space.data(), size});
  }
  if (may_read())
    go_on_later();
}

void http_session::go_on_later() {
  if (!std::exchange(goes_on_later_, true))
    answers_.go_on_later(shared_from_this());
}

void http_session::go_on() {
  goes_on_later_ = false;
  if (!unread_.empty() && !answering_ && socket_.is_open())
    take({});
  read();
}

void http_session::take(std::string_view bytes) {
  if (unread_.empty())
    return parse(bytes);
  auto all = std::exchange(unread_, {});
  all += bytes;
  parse(all);
}

void http_session::parse(std::string_view bytes) {
  unsigned refused = 0;
  bytes.remove_prefix(request_->take(bytes, refused));
  // What can't be used yet is part of the head, and bounded as such.
  if (!refused && !request_->is_done() && bytes.size() > server_.options().header_bytes_max)
    refused = 431;
  if (refused)
    return refuse(refused, reason_phrase(refused));
  unread_ = bytes;
  if (request_->is_done())
    return handle();
  if (!hold_body())
    return refuse(503, "too many bytes wait for the rest of their request");
  if (request_->wants_to_go_on()) {
    boost::system::error_code ignored;
    socket_.write("HTTP/1.1 100 Continue\r\n\r\n", ignored);
  }
}

void http_session::handle() {
  keep_alive_ = request_->keep_alive() && !stopping_;
  answering_ = true;
  deadline_.reset();
  auto answer = server_.routes().handle(request_->request(), shared_from_this());
  drop_body(); // a client may take its time with the answer
  if (answer)
    answers_.add_here(shared_from_this(), std::move(*answer));
}

bool http_session::hold_body() {
  if (request_->body_length() <= small_body_bytes)
    return true;
  auto size = request_->body_bytes();
  auto& budget = server_.routes().bodies();
  if (held_body_)
    return size <= held_body_->size() || budget.extend(*held_body_, size - held_body_->size());
  auto share = budget.take(*remote_ip_, size);
  if (!share)
    return false;
  held_body_ = std::make_unique<address_budget::share>(std::move(share));
  return true;
}

void http_session::drop_body() {
  request_->drop_body();
  held_body_.reset();
}

void http_session::refuse(unsigned status, std::string_view why) {
  drop_body();
  keep_alive_ = false;
  answering_ = true;
  refused_ = true;
  unread_.clear();
  answers_.add_here(shared_from_this(), container_error(status, why, ""));
}

void http_session::discard(std::size_t bytes) {
  discarded_ += bytes;
  if (discarded_ > discarded_bytes_max)
    do_close();
}

// -- what goes out -------------------------------------------------------------------------------

void http_session::post(reply answer) { answers_.add(shared_from_this(), std::move(answer)); }

void http_session::run_there(std::function<void()> task) { answers_.run(std::move(task)); }

void http_session::deliver(reply answer) {
  if (!socket_.is_open())
    return;
  auto& budget = server_.routes().answers();
  address_budget::share share;
  if (answer.body_size() >= long_answer_bytes) {
    share = budget.take(*remote_ip_, answer.body_size());
    if (!share)
      answer = container_error(503, "too much is on its way to clients that do not read", "");
  }
  keep_alive_ = keep_alive_ && !answer.close;
  // One for each thread: a session needs its own only while its client takes an answer slowly.
  static thread_local std::string head;
  write_head(head, answer, keep_alive_, request_->speaks_http10());
  if (request_->is_head())
    answer = {};
  bool is_short = answer.body_size() <= short_answer_bytes;
  head += answer.body;
  if (is_short) {
    for (auto& part : answer.shared)
      head += std::exchange(part, {});
    head += std::exchange(answer.tail, {});
  }
  auto total = head.size() + answer.body_size() - answer.body.size();
  boost::system::error_code failed;
  auto written = total == head.size() ? socket_.write(head, failed)
                                      : socket_.write(pieces_of(head, answer), failed);
  if (failed && !would_block(failed))
    return do_close();
  if (written == total)
    return on_sent();
  if (!share)
    share = budget.take(*remote_ip_, total - written);
  if (!share)
    return do_close(); // a part of it is sent: no other answer can follow
  unsent_ = std::make_unique<unsent>(std::move(head), std::move(answer), written, std::move(share));
  set_deadline(server_.options().write_timeout);
}

void http_session::write_rest() {
  auto rest = unsent_->rest();
  std::size_t size = 0;
  for (auto& x : rest)
    size += x.size();
  boost::system::error_code failed;
  auto written = socket_.write(rest, failed);
  if (failed && !would_block(failed))
    return do_close();
  unsent_->written += written;
  if (written == size)
    on_sent();
}

void http_session::on_sent() {
  answering_ = false;
  unsent_.reset();
  if (refused_) {
    // Closing a socket with unread bytes resets the connection, and the client may lose the answer.
    socket_.shutdown_send();
    set_deadline(discarding_patience);
  } else if (!keep_alive_) {
    return do_close();
  } else {
    begin_request();
  }
  // What a client pipelines waits until others had their turn.
  if (socket_.may_read() || !unread_.empty())
    go_on_later();
}

void http_session::do_close() {
  socket_.shutdown_send();
  socket_.close();
}

void http_session::stop() {
  stopping_ = true;
  keep_alive_ = false;
  if (!answering_)
    do_close();
}

} // namespace nacre
