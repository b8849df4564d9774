// A server of grpc/http2 alone, without a node, for clients of other gRPC stacks: see README.md.
#include <array>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "grpc/http2/grpc_port.hpp"
#include "net/io_threads.hpp"

namespace {

using namespace nacre;

/// What its calls do, in the order of `paths`.
enum class method : int {
  /// Answers with the one message it gets.
  unary,
  /// Each message comes back.
  stream,
  /// `COUNT SIZE`: so many messages of so many bytes.
  many,
  /// `COUNT BYTES` of the messages that came.
  collect,
  /// `CODE early|late TEXT`: fails, late ones after a message.
  fail,
  /// Never answers.
  wait,
  /// What the server has of this connection.
  seen,
  /// The server takes no more calls on this connection.
  leave,
};

constexpr std::array<std::string_view, 8> paths = {
  "/nacre.Echo/Unary", "/nacre.Echo/Stream", "/nacre.Echo/Many", "/nacre.Echo/Collect",
  "/nacre.Echo/Fail",  "/nacre.Echo/Wait",   "/nacre.Echo/Seen", "/nacre.Echo/Leave"};

constexpr std::size_t message_bytes_max = 10 * 1024 * 1024;

std::atomic<int> connections_open{0};
std::atomic<int> calls_open{0};

std::size_t take_number(std::string_view& text) {
  std::size_t n = 0;
  auto rest = std::from_chars(text.data(), text.data() + text.size(), n).ptr;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  text.remove_prefix(text.starts_with(' ') ? 1 : 0);
  return n;
}

outgoing_message message_of(std::string text) {
  outgoing_message x;
  x.body = std::move(text);
  return x;
}

class echo_connection final : public connection_user,
                              public std::enable_shared_from_this<echo_connection> {
public:
  explicit echo_connection(const http2_connection_ptr& connection) : connection_(connection) {
    static std::atomic<int> last{0};
    number_ = ++last;
    ++connections_open;
  }
  ~echo_connection() override { --connections_open; }

  int route_of(std::string_view path) const override {
    for (std::size_t i = 0; i < paths.size(); ++i)
      if (path == paths[i])
        return static_cast<int>(i);
    return -1;
  }

  http2_call_ptr take_call(int route) override;

  /// It may send as much at once as a client that is set up.
  bool is_known() const override { return true; }

  void on_closed(bool, const call_status&) override {}

  void leave() {
    if (auto connection = connection_.lock())
      connection->go_away();
  }

  void note_end(const call_status& status) {
    cancelled_ += status.code == status_code::cancelled;
    late_ += status.code == status_code::deadline_exceeded;
  }

  /// Of `session`, which is its own; the call that asks is one of those under way.
  std::string state(const http2_session& session) const {
    auto field = [](const char* name, auto n) {
      return '"' + std::string(name) + "\": " + std::to_string(n);
    };
    return '{' + field("connection", number_) + ", " + field("calls", session.calls()) + ", "
           + field("unsent", session.unsent()) + ", " + field("cancelled", cancelled_) + ", "
           + field("late", late_) + '}';
  }

private:
  const std::weak_ptr<http2_connection> connection_;
  int number_;
  int cancelled_ = 0;
  int late_ = 0;
};

class echo_call final : public http2_call {
public:
  echo_call(method what, std::shared_ptr<echo_connection> connection)
    : http2_call(message_bytes_max), what_(what), connection_(std::move(connection)) {
    ++calls_open;
  }
  ~echo_call() override { --calls_open; }

private:
  void on_message(std::string_view message) override {
    ++count_;
    bytes_ += message.size();
    if (what_ == method::stream)
      send(message_of(std::string(message)));
    else if (what_ != method::collect)
      request_ = message;
  }

  void on_half_close() override {
    switch (what_) {
      case method::unary:
        return reply(message_of(std::move(request_)));
      case method::stream:
        return finish();
      case method::many:
        return begin_many();
      case method::collect:
        return reply(message_of(std::to_string(count_) + ' ' + std::to_string(bytes_)));
      case method::fail:
        return fail_as_told();
      case method::wait:
        return;
      case method::seen:
        return reply(message_of(connection_->state(*session())));
      case method::leave:
        reply(message_of("bye"));
        return connection_->leave();
    }
  }

  void on_sent(const outgoing_message&) override {
    if (what_ == method::many)
      send_next();
  }

  void on_end(const call_status& status) override { connection_->note_end(status); }

  void begin_many() {
    std::string_view text = request_;
    left_ = take_number(text);
    bytes_ = take_number(text);
    send_next();
  }

  void send_next() {
    if (left_ == 0)
      return finish();
    --left_;
    send(message_of(std::string(bytes_, 'm')));
  }

  void fail_as_told() {
    std::string_view text = request_;
    auto code = static_cast<status_code>(take_number(text));
    bool late = text.starts_with("late ");
    if (late)
      send(message_of("before"));
    text.remove_prefix(text.find(' ') + 1);
    finish({code, std::string(text)});
  }

  const method what_;
  const std::shared_ptr<echo_connection> connection_;
  std::string request_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  /// Messages of `many` that are to be sent.
  std::size_t left_ = 0;
};

http2_call_ptr echo_connection::take_call(int route) {
  return std::make_shared<echo_call>(static_cast<method>(route), shared_from_this());
}

} // namespace

/// Arguments: the files of a certificate and its key, and after how many milliseconds of silence it
/// asks for a sign of life. Says on which port it serves, and for each line that it reads how many
/// connections and calls are open; ends at the end of its input.
int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: echo_server CERTIFICATE KEY KEEPALIVE_MS\n");
    return 2;
  }
  std::string_view keepalive_ms = argv[3];
  http2_limits limits;
  limits.message_bytes_max = message_bytes_max;
  limits.streams_max = 100;
  limits.keepalive_time = milliseconds(take_number(keepalive_ms));
  limits.keepalive_timeout = milliseconds(10'000);
  tls_files files;
  files.enabled = true;
  files.plain_too = true;
  files.certificate = argv[1];
  files.key = argv[2];
  constexpr std::size_t connections_max = 1'000;
  listen_options where{"127.0.0.1", 0, connections_max, connections_max};
  port_counters counters;
  io_threads threads(2);
  grpc_port port(threads, where, limits, counters, files,
                 [](const http2_connection_ptr& connection) {
                   return std::make_shared<echo_connection>(connection);
                 });
  threads.start();
  port.start();
  std::cout << port.port() << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << connections_open << ' ' << calls_open << std::endl;
  port.stop(milliseconds(0));
  threads.stop();
}
