#include "http/server.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

using namespace nacre;

namespace {

namespace net = boost::asio;

std::optional<reply> echo_body(call& c) {
  return text_reply("[" + std::string(c.request.body) + "]");
}

void add_echo_route(route_table& table) {
  table["/v1/ns/echo"] = {api_family::naming_v1, echo_body, echo_body};
}

options loopback() {
  options opts;
  opts.http.address = "127.0.0.1";
  opts.http.port = 0;
  opts.http.io_threads = 1;
  return opts;
}

/// A listener on a port of its own.
struct front {
  std::shared_ptr<node_context> context = std::make_shared<node_context>(loopback(), 1);
  http_server server{context->options.http,
                     router({context, [] { return true; }, "127.0.0.1", 0}, add_echo_route)};

  front() { server.start(); }

  /// All that comes back for the pieces of `head` and `body`, which the client sends one by one
  /// before it stops sending.
  std::string answer(const std::vector<std::string>& pieces) {
    net::io_context io;
    net::ip::tcp::socket socket(io);
    socket.connect({net::ip::make_address("127.0.0.1"), server.port()});
    socket.set_option(net::ip::tcp::no_delay(true));
    for (auto& x : pieces)
      net::write(socket, net::buffer(x));
    socket.shutdown(net::ip::tcp::socket::shutdown_send);
    std::string text;
    boost::system::error_code end;
    net::read(socket, net::dynamic_buffer(text), end);
    return text;
  }
};

constexpr auto post = "POST /nacos/v1/ns/echo HTTP/1.1\r\nHost: x\r\n";
constexpr auto last = "Connection: close\r\n";

} // namespace

TEST_CASE("a folded header is refused, whatever it holds and however it arrives") {
  front f;
  for (std::string folded : {"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X:\r\n b\r\n", "X: a\r\n \r\n",
                             "Content-Length:\r\n 3\r\n", "X: a\r\n Content-Length: 3\r\n",
                             "Transfer-Encoding:\r\n chunked\r\n"}) {
    auto whole = post + folded + "\r\n";
    CHECK_MESSAGE(f.answer({whole + "abc"}).starts_with("HTTP/1.1 400 "), folded);
    // Also when the body never comes: a client that meant no body would wait for ever.
    CHECK_MESSAGE(f.answer({whole}).starts_with("HTTP/1.1 400 "), folded);
    std::vector<std::string> bytes;
    for (auto c : whole)
      bytes.emplace_back(1, c);
    CHECK_MESSAGE(f.answer(bytes).starts_with("HTTP/1.1 400 "), folded);
  }
}

TEST_CASE("lines of a body may begin with a blank") {
  front f;
  auto fixed = f.answer({std::string(post) + last + "Content-Length: 7\r\n\r\n\r\n a\n\tb"});
  CHECK(fixed.ends_with("\r\n\r\n[\r\n a\n\tb]"));
  auto split = f.answer({std::string(post) + last + "Content-Length: 4\r\n\r\n", "\n", " a\n"});
  CHECK(split.ends_with("[\n a\n]"));
  auto chunked = f.answer(
    {std::string(post) + last + "Transfer-Encoding: chunked\r\n\r\n3\r\n\n a\r\n0\r\n\r\n"});
  CHECK(chunked.ends_with("[\n a]"));
}
