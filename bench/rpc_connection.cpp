#include "bench/rpc_connection.hpp"

#include "bench/failure.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

namespace nacre::bench {

namespace {

constexpr std::size_t frame_head = 9;
constexpr std::size_t message_head = 5;
constexpr std::size_t window_step = 1U << 20U;

namespace frame {
constexpr std::uint8_t data = 0;
constexpr std::uint8_t headers = 1;
constexpr std::uint8_t reset = 3;
constexpr std::uint8_t settings = 4;
constexpr std::uint8_t ping = 6;
constexpr std::uint8_t go_away = 7;
constexpr std::uint8_t window_update = 8;
} // namespace frame

namespace flag {
constexpr std::uint8_t ack = 1;
constexpr std::uint8_t end_stream = 1;
constexpr std::uint8_t end_headers = 4;
constexpr std::uint8_t padded = 8;
} // namespace flag

void put_number(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 255U);
}

std::uint32_t read_number(std::string_view bytes, std::size_t from, std::size_t count) {
  std::uint32_t result = 0;
  for (std::size_t i = 0; i < count; ++i)
    result = result << 8U | static_cast<unsigned char>(bytes[from + i]);
  return result;
}

void put_head(std::string& out, std::size_t size, std::uint8_t type, std::uint8_t flags,
              std::uint32_t stream) {
  out += static_cast<char>(size >> 16U & 255U);
  out += static_cast<char>(size >> 8U & 255U);
  out += static_cast<char>(size & 255U);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  put_number(out, stream);
}

/// A header's text without Huffman coding; all of ours are short.
std::string plain(std::string_view text) {
  return std::string(1, static_cast<char>(text.size())).append(text);
}

constexpr std::string_view unary_path = "/Request/request";
constexpr std::string_view stream_path = "/BiRequestStream/requestBiStream";

/// The header block of a connection's first call: `:method POST` and `:scheme http` of the static
/// table, all else becomes part of the dynamic table.
std::string first_headers(std::string_view authority) {
  return "\x83\x86\x44" + plain(unary_path) + "\x41" + plain(authority) + "\x5f"
         + plain("application/grpc") + "\x40" + plain("te") + plain("trailers") + "\x7a"
         + plain("grpc-java-netty/1.50.2") + "\x40" + plain("grpc-accept-encoding") + plain("gzip");
}

/// The five that follow the path in the dynamic table.
constexpr std::string_view other_headers = "\xc2\xc1\xc0\xbf\xbe";

} // namespace

rpc_connection::rpc_connection(poller& loop, const boost::asio::ip::tcp::endpoint& address,
                               listener& owner)
  : loop_(loop), owner_(owner), address_(address) {
  fd_ = ::socket(address.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0)
    fail(std::string("no socket: ") + std::strerror(errno));
  const int yes = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (::connect(fd_, address_.data(), static_cast<socklen_t>(address_.size())) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd_);
    fail("cannot connect: " + why);
  }
  loop_.add(fd_, *this);
  out_ = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  put_head(out_, 12, frame::settings, 0, 0);
  constexpr std::uint32_t widest = 0x7fffffff;
  out_ += std::string("\0\2", 2); // no pushes of HTTP's own
  put_number(out_, 0);
  out_ += std::string("\0\4", 2); // window of each stream
  put_number(out_, widest);
  put_head(out_, 4, frame::window_update, 0, 0);
  put_number(out_, widest - 65'535);
}

rpc_connection::~rpc_connection() { ::close(fd_); }

void rpc_connection::fail(const std::string& why) const {
  std::ostringstream text;
  text << address_ << ": " << why;
  throw failure(text.str());
}

void rpc_connection::put_request(std::string_view path, std::uint32_t stream) {
  std::string block;
  if (stream == 1) {
    std::ostringstream authority;
    authority << address_;
    block = first_headers(authority.str());
  } else if (path == unary_path) {
    block = std::string("\x83\x86\xc3").append(other_headers);
  } else {
    block = ("\x83\x86\x04" + plain(path)).append(other_headers);
  }
  put_head(out_, block.size(), frame::headers, flag::end_headers, stream);
  out_ += block;
}

void rpc_connection::put_data(std::string_view message, std::uint32_t stream, bool last) {
  put_head(out_, message_head + message.size(), frame::data, last ? flag::end_stream : 0, stream);
  out_ += '\0'; // not compressed
  put_number(out_, static_cast<std::uint32_t>(message.size()));
  out_ += message;
}

void rpc_connection::call(std::string_view message, std::size_t tag) {
  calls_.push_back({next_stream_, tag, {}});
  put_request(unary_path, next_stream_);
  put_data(message, next_stream_, true);
  next_stream_ += 2;
  flush();
}

void rpc_connection::send(std::string_view message) {
  if (stream_ == 0) {
    if (next_stream_ == 1)
      fail("the first call must be unary");
    stream_ = next_stream_;
    next_stream_ += 2;
    put_request(stream_path, stream_);
  }
  put_data(message, stream_, false);
  flush();
}

void rpc_connection::flush() {
  if (dispatching_ || out_.empty())
    return;
  const auto count = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && errno != EAGAIN)
    fail(std::string("cannot send: ") + std::strerror(errno));
  if (count > 0)
    out_.erase(0, static_cast<std::size_t>(count));
  if (writes_ != !out_.empty()) {
    writes_ = !writes_;
    loop_.want_write(fd_, *this, writes_);
  }
}

void rpc_connection::on_writable() { flush(); }

void rpc_connection::on_readable() {
  // One for all connections: 10,000 of their own would take more memory than what they hold.
  static std::array<char, 256 * 1024> buffer;
  const auto count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN)
    return;
  if (count <= 0)
    fail(count == 0 ? "the server closed the connection"
                    : std::string("cannot read: ") + std::strerror(errno));
  dispatching_ = true;
  if (in_.empty()) {
    feed({buffer.data(), static_cast<std::size_t>(count)});
  } else {
    in_.append(buffer.data(), static_cast<std::size_t>(count));
    const auto all = std::exchange(in_, {});
    feed(all);
  }
  dispatching_ = false;
  flush();
}

void rpc_connection::feed(std::string_view bytes) {
  while (bytes.size() >= frame_head) {
    const auto size = read_number(bytes, 0, 3);
    if (bytes.size() < frame_head + size)
      break;
    on_frame(static_cast<std::uint8_t>(bytes[3]), static_cast<std::uint8_t>(bytes[4]),
             read_number(bytes, 5, 4) & 0x7fffffffU, bytes.substr(frame_head, size));
    bytes.remove_prefix(frame_head + size);
  }
  in_.assign(bytes);
}

void rpc_connection::on_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                              std::string_view body) {
  switch (type) {
    case frame::data:
      on_data(flags, stream, body);
      break;
    case frame::headers:
      if (flags & flag::end_stream) {
        if (stream == stream_)
          fail("the server ended the stream");
        if (auto* ended = find_call(stream))
          end_call(*ended);
      }
      break;
    case frame::reset:
      // A server may end a call it has answered so.
      if (stream == stream_ || find_call(stream))
        fail("the server reset a stream, code " + std::to_string(read_number(body, 0, 4)));
      break;
    case frame::settings:
      if (!(flags & flag::ack))
        put_head(out_, 0, frame::settings, flag::ack, 0);
      break;
    case frame::ping:
      if (!(flags & flag::ack)) {
        put_head(out_, body.size(), frame::ping, flag::ack, 0);
        out_ += body;
      }
      break;
    case frame::go_away:
      fail("the server goes away: " + std::string(body.substr(body.size() < 8 ? body.size() : 8)));
    default: // windows of the server are wider than a few calls at a time need
      break;
  }
}

void rpc_connection::on_data(std::uint8_t flags, std::uint32_t stream, std::string_view body) {
  unseen_ += body.size();
  if (unseen_ >= window_step) {
    put_head(out_, 4, frame::window_update, 0, 0);
    put_number(out_, static_cast<std::uint32_t>(std::exchange(unseen_, 0)));
  }
  if (flags & flag::padded) {
    if (body.empty() || static_cast<unsigned char>(body[0]) >= body.size())
      fail("a frame with more padding than it is long");
    body = body.substr(1, body.size() - 1 - static_cast<unsigned char>(body[0]));
  }
  if (stream == stream_) {
    message_ += body;
    take_messages();
  } else if (auto* one = find_call(stream)) {
    one->answer += body;
    if (flags & flag::end_stream)
      fail("a call ended without trailers");
  }
}

void rpc_connection::take_messages() {
  std::size_t begin = 0;
  while (message_.size() - begin >= message_head) {
    const auto size = read_number(message_, begin + 1, 4);
    if (message_[begin] != '\0')
      fail("a compressed message, which was not allowed");
    if (message_.size() - begin - message_head < size)
      break;
    const auto message = std::string_view(message_).substr(begin + message_head, size);
    begin += message_head + size;
    owner_.on_message(message);
  }
  message_.erase(0, begin);
}

rpc_connection::pending_call* rpc_connection::find_call(std::uint32_t stream) {
  for (auto& one : calls_)
    if (one.stream == stream)
      return &one;
  return nullptr;
}

void rpc_connection::end_call(pending_call& ended) {
  // Over before its answer is told, since the listener calls again from there.
  const auto [stream, tag, answer] = std::exchange(ended, std::move(calls_.back()));
  calls_.pop_back();
  if (answer.size() < message_head || answer.size() != message_head + read_number(answer, 1, 4))
    fail("a call ended without one whole message");
  if (answer[0] != '\0')
    fail("a compressed message, which was not allowed");
  owner_.on_answer(tag, std::string_view(answer).substr(message_head));
}

} // namespace nacre::bench
