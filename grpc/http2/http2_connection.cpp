#include <utility>

#include "grpc/http2/http2_connection.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "net/plain_address.hpp"
#include "net/resolve.hpp"

namespace nacre {

namespace net = boost::asio;

namespace {

/// What is understood before what comes of it is sent, so that not too much waits.
constexpr std::size_t slice_bytes = 16 * 1024;

/// What is written at one time.
constexpr std::size_t write_bytes = 64 * 1024;

/// Reads, or writes, in a row before others get their turn.
constexpr int turns_max = 4;

/// A connection that nobody knows takes nothing of what it asked for: it ends after this time.
constexpr milliseconds stall_patience{10'000};

/// How long the other end has to take our last words.
constexpr milliseconds ending_patience{2'000};

/// Answers of TLS itself that the other end does not read.
constexpr std::size_t backlog_bytes_max = 2 * 1024 * 1024;

/// How a record of TLS begins that opens a connection.
constexpr char tls_handshake = 22;

} // namespace

// -- life ----------------------------------------------------------------------------------------

http2_connection::http2_connection(http2_worker& worker, stream_socket socket,
                                   connection_place place, greeting welcome)
  : worker_(worker),
    socket_(std::move(socket)),
    place_(std::move(place)),
    welcome_(std::move(welcome)),
    frames_(worker.frames),
    began_(steady_now()),
    last_read_(began_),
    stalled_since_(began_),
    begun_by_(began_ + worker.common.limits.handshake_patience),
    end_by_(began_),
    port_(socket_.remote_port()),
    phase_(phase::greeting) {}

http2_connection::http2_connection(http2_worker& worker)
  : worker_(worker),
    frames_(worker.frames),
    began_(steady_now()),
    last_read_(began_),
    stalled_since_(began_),
    begun_by_(began_),
    end_by_(began_),
    phase_(phase::connecting) {}

http2_connection::~http2_connection() = default;

void http2_connection::start_session(std::shared_ptr<connection_user> user) {
  user_ = std::move(user);
  auto& common = worker_.common;
  session_ = place_ ? std::make_unique<http2_session>(common, *frames_, *user_, *this, began_)
                    : std::make_unique<http2_session>(common, *frames_, *this, began_);
  worker_.add(shared_from_this());
}

void http2_connection::begin(std::shared_ptr<connection_user> user) {
  socket_.prepare();
  ++worker_.common.counters.accepted;
  start_session(std::move(user));
  watch_socket();
}

bool http2_connection::watch_socket() {
  if (socket_.watch(worker_.sockets, shared_from_this()))
    return true;
  close({status_code::unavailable, "the node has no room for it"});
  return false;
}

void http2_connection::connect(const std::string& host, std::uint16_t port, const tls_context& tls,
                               milliseconds patience, std::shared_ptr<connection_user> user) {
  port_ = port;
  begun_by_ = began_ + patience;
  start_session(std::move(user));
  dialing_ = std::make_shared<tcp::socket>(worker_.io);
  auto resolver = std::make_shared<tcp::resolver>(worker_.io);
  resolve(*resolver, host, port,
          [self = shared_from_this(), resolver, host, tls](boost::system::error_code failed,
                                                           const resolved_endpoints& found) {
            if (failed || self->phase_ != phase::connecting)
              return self->on_connected(failed, host, tls);
            net::async_connect(*self->dialing_, found,
                               [self, host, tls, socket = self->dialing_](
                                 boost::system::error_code unreachable, const tcp::endpoint&) {
                                 self->on_connected(unreachable, host, tls);
                               });
          });
}

void http2_connection::on_connected(boost::system::error_code failed, const std::string& host,
                                    const tls_context& tls) {
  auto dialed = std::exchange(dialing_, nullptr);
  if (phase_ != phase::connecting)
    return;
  if (!failed)
    socket_ = stream_socket(dialed->release(failed));
  if (failed) {
    call_status why{status_code::unavailable,
                    host + ':' + std::to_string(port_) + ": " + failed.message()};
    phase_ = phase::closed;
    session_->end(why);
    std::exchange(user_, nullptr)->on_closed(failed == net::error::connection_refused, why);
    return;
  }
  phase_ = phase::open;
  socket_.prepare();
  if (!watch_socket())
    return;
  last_read_ = steady_now();
  if (tls) {
    tls_ = std::make_unique<tls_stream>(tls, host);
    std::string hello;
    tls_->start(hello);
    write(hello);
  }
  flush();
}

void http2_connection::close(const call_status& why) {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  auto self = shared_from_this(); // which the socket may have kept alive
  socket_.shutdown_send();
  socket_.close();
  if (dialing_) {
    boost::system::error_code ignored;
    dialing_->close(ignored);
  }
  std::string().swap(backlog_);
  session_->end(why);
  if (auto user = std::exchange(user_, nullptr)) {
    user->on_closed(false, why);
    // It may be amid a function of this one.
    net::post(worker_.io, [user] {});
  }
}

void http2_connection::go_away() {
  if (phase_ != phase::greeting && phase_ != phase::open)
    return;
  session_->go_away();
  auto user = user_;
  user->on_go_away();
}

void http2_connection::end_softly() {
  if (phase_ == phase::ending || phase_ == phase::closed || !backlog_.empty())
    return;
  phase_ = phase::ending;
  end_by_ = steady_now() + ending_patience;
  if (tls_) {
    std::string farewell;
    tls_->close(farewell);
    write(farewell);
  }
  socket_.shutdown_send();
}

bool http2_connection::is_dispensable() const {
  return phase_ != phase::closed && user_ && place_ && !user_->is_known();
}

steady_time http2_connection::idle_since() const { return session_->last_call(); }

// -- what comes in -------------------------------------------------------------------------------

void http2_connection::on_ready(readiness what) {
  socket_.note(what);
  if (what.writable && !backlog_.empty())
    write_backlog();
  if (socket_.may_read() && !goes_on_later_)
    read();
}

void http2_connection::read() {
  auto& in = worker_.space.in;
  for (int turn = 0; turn < turns_max && socket_.may_read() && !goes_on_later_; ++turn) {
    if (phase_ == phase::closed)
      return;
    boost::system::error_code failed;
    auto size = socket_.read(in, failed);
    if (would_block(failed))
      break;
    if (failed || size == 0)
      return close({status_code::unavailable,
                    failed ? failed.message() : "the other end closed the connection"});
    last_read_ = steady_now();
    pinged_.reset();
    if (phase_ != phase::ending && !take({in.data(), size}))
      take_no_more();
  }
  end_turn();
}

void http2_connection::take_no_more() {
  log_fault(session_->fault());
  flush();
  if (phase_ != phase::closed)
    end_softly();
}

void http2_connection::end_turn() {
  if (phase_ == phase::closed)
    return;
  on_output();
  worker_.space.shrink();
  if (socket_.may_read() && !goes_on_later_)
    go_on_later();
}

bool http2_connection::take(std::string_view bytes) {
  if (phase_ == phase::greeting && !take_first(bytes)) {
    ++worker_.common.counters.broken;
    log_fault(welcome_.plain ? "TLS on a plain port" : "no TLS");
    close({status_code::unavailable, "neither what TLS begins with nor what this port speaks"});
    return false;
  }
  if (!tls_)
    return take_plain(bytes);
  auto& plain = worker_.space.plain;
  auto& cipher = worker_.space.cipher;
  plain.clear();
  cipher.clear();
  bool goes_on = tls_->receive(bytes, plain, cipher);
  write(cipher);
  if (!plain.empty())
    goes_on = take_plain(plain) && goes_on;
  if (!goes_on && !tls_->is_open() && !place_)
    close({status_code::unavailable, tls_->problem()});
  return goes_on;
}

bool http2_connection::take_first(std::string_view bytes) {
  phase_ = phase::open;
  bool speaks_tls = bytes.front() == tls_handshake;
  if (speaks_tls && welcome_.tls)
    tls_ = std::make_unique<tls_stream>(welcome_.tls);
  welcome_.tls = nullptr;
  return tls_ || (welcome_.plain && !speaks_tls);
}

bool http2_connection::take_plain(std::string_view bytes) {
  heard_ = true;
  bool goes_on = true;
  do {
    goes_on = session_->receive(bytes.substr(0, slice_bytes), last_read_);
    bytes.remove_prefix(session_->taken());
    if (session_->is_behind(0))
      flush();
    if (goes_on && session_->has_paused() && phase_ != phase::closed) {
      rest_ = bytes;
      go_on_later();
      return true;
    }
  } while (!bytes.empty() && goes_on && phase_ != phase::closed);
  return goes_on;
}

void http2_connection::go_on_later() {
  goes_on_later_ = true;
  net::post(worker_.io, [self = shared_from_this()] { self->go_on(); });
}

void http2_connection::go_on() {
  goes_on_later_ = false;
  auto rest = std::exchange(rest_, {});
  if (phase_ == phase::open && (!rest.empty() || session_->has_paused()) && !take_plain(rest))
    take_no_more();
  read();
}

void http2_connection::log_fault(std::string_view fault) {
  if (!fault.empty() && place_ && worker_.common.refusals.admit(address(), fault, last_read_))
    spdlog::warn("grpc-connection-ended of {}: {}", address(), fault);
}

void http2_connection::close_for(std::atomic<std::uint64_t>& counter, const char* fault) {
  ++counter;
  log_fault(fault);
  close({status_code::unavailable, fault});
}

// -- what goes out -------------------------------------------------------------------------------

void http2_connection::on_output() {
  if (phase_ != phase::closed && !std::exchange(marked_, true))
    worker_.mark(shared_from_this());
}

void http2_connection::flush() {
  marked_ = false;
  // Nothing comes first to who is accepted: our answer to HTTP/1.1 would have HTTP/2 before it.
  bool may_speak = heard_ || !place_;
  if (phase_ != phase::open || !may_speak || !backlog_.empty() || (tls_ && !tls_->is_open()))
    return;
  auto& out = worker_.space.out;
  int turn = 0;
  for (; turn < turns_max && backlog_.empty() && phase_ != phase::closed; ++turn) {
    out.clear();
    session_->collect(out, write_bytes);
    if (out.empty())
      break;
    if (!tls_) {
      write(out);
      continue;
    }
    auto& cipher = worker_.space.cipher;
    cipher.clear();
    tls_->send(out, cipher);
    write(cipher);
  }
  if (phase_ == phase::closed || !backlog_.empty())
    return;
  if (turn == turns_max)
    on_output(); // others have their turn
  else if (session_->is_over())
    end_softly();
}

void http2_connection::write(std::string_view bytes) {
  if (bytes.empty() || phase_ == phase::closed)
    return;
  boost::system::error_code failed;
  std::size_t written = 0;
  if (backlog_.empty())
    written = socket_.write(bytes, failed);
  written_ += written;
  if (failed && !would_block(failed))
    return close({status_code::unavailable, failed.message()});
  bytes.remove_prefix(written);
  if (bytes.empty())
    return;
  backlog_ += bytes;
  if (backlog_.size() > backlog_bytes_max)
    return close({status_code::unavailable, "it does not read"});
}

void http2_connection::write_backlog() {
  boost::system::error_code failed;
  auto written = socket_.write(backlog_, failed);
  if (failed && !would_block(failed))
    return close({status_code::unavailable, failed.message()});
  written_ += written;
  backlog_.erase(0, written);
  if (!backlog_.empty())
    return;
  std::string().swap(backlog_);
  flush();
}

// -- the clock -----------------------------------------------------------------------------------

void http2_connection::on_tick(steady_time now) {
  if (phase_ == phase::closed)
    return;
  if (phase_ == phase::ending && now >= end_by_)
    return close({status_code::unavailable, "it ended"});
  session_->check_deadlines(now);
  bool goes_on = watch_handshake(now) && watch_silence(now) && watch_stall(now);
  if (goes_on)
    flush();
}

bool http2_connection::watch_handshake(steady_time now) {
  if (session_->has_begun() || now < begun_by_)
    return true;
  close_for(worker_.common.counters.late, "no HTTP/2 in time");
  return false;
}

bool http2_connection::watch_silence(steady_time now) {
  auto& limits = worker_.common.limits;
  if (pinged_ && now - *pinged_ > limits.keepalive_timeout) {
    close({status_code::unavailable, "it does not answer pings"});
    return false;
  }
  if (!pinged_ && phase_ == phase::open && now - last_read_ > limits.keepalive_time) {
    pinged_ = now;
    session_->ping();
  }
  bool is_idle = is_dispensable() && now - session_->last_call() > limits.stranger_idle;
  if (is_idle && phase_ != phase::ending) {
    ++worker_.common.counters.idle;
    session_->go_away_now();
    flush();
    close({status_code::unavailable, "idle for too long"});
    return false;
  }
  return true;
}

bool http2_connection::watch_stall(steady_time now) {
  bool waits = session_->unsent() > 0 || !backlog_.empty();
  if (!waits || written_ != written_before_ || !is_dispensable()) {
    stalled_since_ = now;
    written_before_ = written_;
    return true;
  }
  if (now - stalled_since_ < stall_patience)
    return true;
  close_for(worker_.common.counters.stalled, "it does not read");
  return false;
}

} // namespace nacre
