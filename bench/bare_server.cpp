// The yardstick: the plainest Boost.Beast server, one thread, one answer for everybody. What it
// reaches is what the HTTP layer costs; how far nacre stays behind it is what the registry costs.

#include "bench/failure.hpp"
#include "bench/program.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>

namespace nacre::bench {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr auto help = R"(bare_server: answers every request with 200 and a body of a fixed size
  --port P   port on 127.0.0.1, 0 = any free one, which is printed (default 0)
  --size N   size of the body in bytes where the request has no X-Size header (default 2)
)";

constexpr std::size_t size_max = 16 * 1024 * 1024;
constexpr auto idle_time = std::chrono::seconds(60);

/// One body per size that was asked for.
class body_cache {
public:
  explicit body_cache(std::size_t preset) : preset_(preset) {}

  /// Nothing if the header is no size, or one so large that it must be a mistake.
  const std::string* find(beast::string_view header) {
    auto size = preset_;
    const auto* end = header.data() + header.size();
    if (!header.empty()) {
      const auto [rest, error] = std::from_chars(header.data(), end, size);
      if (error != std::errc{} || rest != end || size > size_max)
        return nullptr;
    }
    auto& body = bodies_[size];
    if (body.size() != size)
      body.assign(size, 'x');
    return &body;
  }

private:
  std::size_t preset_;
  std::unordered_map<std::size_t, std::string> bodies_;
};

class session : public std::enable_shared_from_this<session> {
public:
  session(tcp::socket socket, body_cache& bodies) : stream_(std::move(socket)), bodies_(bodies) {}

  void read() {
    request_ = {};
    stream_.expires_after(idle_time);
    http::async_read(
      stream_, buffer_, request_,
      [self = shared_from_this()](beast::error_code error, std::size_t) { self->on_read(error); });
  }

private:
  void on_read(beast::error_code error) {
    if (error == http::error::end_of_stream) {
      stream_.socket().shutdown(tcp::socket::shutdown_send, error);
      return;
    }
    if (error)
      return;
    const auto* body = bodies_.find(request_["X-Size"]);
    response_ = {body ? http::status::ok : http::status::bad_request, request_.version()};
    response_.set(http::field::content_type, "application/json");
    response_.keep_alive(request_.keep_alive());
    if (body)
      response_.body() = *body;
    response_.prepare_payload();
    stream_.expires_after(idle_time);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code failed, std::size_t) {
                        self->on_write(failed);
                      });
  }

  void on_write(beast::error_code error) {
    if (error)
      return;
    if (response_.keep_alive())
      read();
    else
      stream_.socket().shutdown(tcp::socket::shutdown_send, error);
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
  body_cache& bodies_;
};

void accept_next(tcp::acceptor& acceptor, body_cache& bodies) {
  acceptor.async_accept([&](beast::error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted)
      return;
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<session>(std::move(socket), bodies)->read();
    }
    accept_next(acceptor, bodies);
  });
}

int run(const arguments& args) {
  const auto port = static_cast<std::uint16_t>(args.whole("port", 0, 0, 65'535));
  body_cache bodies(args.whole("size", 2, 0, size_max));
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
  accept_next(acceptor, bodies);
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](beast::error_code, int) { context.stop(); });
  // Read by the scripts that start this server on a free port.
  std::cout << "listening on 127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
  context.run();
  return EXIT_SUCCESS;
}

} // namespace

} // namespace nacre::bench

int main(int argc, char** argv) {
  using namespace nacre::bench;
  return run_program("bare_server", help, argc, argv, {"port", "size"}, run);
}
