#include "http/server/long_reads.hpp"
#include "http/server/server.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

using namespace nacre;

namespace {

namespace net = boost::asio;

std::optional<reply> echo_body(http_call& c) {
  return text_reply("[" + std::string(c.request.body) + "]");
}

/// All that a handler sees of a request.
std::optional<reply> tell_request(http_call& c) {
  auto& x = c.request;
  std::string text;
  auto from = c.source_ip();
  for (auto part :
       {x.method_name, x.uri, x.query, c.agent(), std::string_view(from), x.content_type})
    text.append(part).append(" ");
  return text_reply(text + '[' + std::string(x.body) + ']');
}

void add_test_routes(route_table& table) {
  table["/v1/ns/echo"] = {api_family::naming_v1, echo_body, echo_body};
  table["/v1/ns/tell"] = {api_family::naming_v1, tell_request, tell_request, tell_request};
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
  std::shared_ptr<node_context> context;
  io_threads threads{1};
  http_server server{threads, context->options.http,
                     router({context, [] { return true; }, "127.0.0.1"}, add_test_routes)};

  explicit front(options opts = loopback())
    : context(std::make_shared<node_context>(std::move(opts), 1)) {
    threads.start();
    server.start();
  }

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

/// A client that has sent a part of a body.
struct half_sent {
  net::io_context io;
  net::ip::tcp::socket socket{io};

  /// Returns when the node has taken so much of a body of `whole` bytes.
  half_sent(const front& f, std::size_t sent, std::size_t whole) : missing(whole - sent, 'x') {
    socket.connect({net::ip::make_address("127.0.0.1"), f.server.port()});
    socket.set_option(net::ip::tcp::no_delay(true));
    net::write(socket, net::buffer(head_of(whole) + std::string(sent, 'x')));
    std::string text;
    net::read_until(socket, net::dynamic_buffer(text), "\r\n\r\n");
    CHECK(text == "HTTP/1.1 100 Continue\r\n\r\n");
  }

  static std::string head_of(std::size_t whole) {
    return "POST /nacos/v1/ns/echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
           "Connection: close\r\nContent-Length: "
           + std::to_string(whole) + "\r\n\r\n";
  }

  /// In small pieces.
  std::string finish() {
    for (std::size_t at = 0; at < missing.size(); at += 500)
      net::write(socket, net::buffer(missing.substr(at, 500)));
    std::string text;
    boost::system::error_code end;
    net::read(socket, net::dynamic_buffer(text), end);
    return text;
  }

  std::string missing;
};

constexpr auto post = "POST /nacos/v1/ns/echo HTTP/1.1\r\nHost: x\r\n";
constexpr auto last = "Connection: close\r\n";

} // namespace

TEST_CASE("a folded header is refused, whatever it holds and however it arrives") {
  front f;
  for (std::string folded :
       {"X: a\r\n b\r\n", "User-Agent: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X:\r\n b\r\n",
        "X: a\r\n \r\n", "Content-Length:\r\n 3\r\n", "X: a\r\n Content-Length: 3\r\n",
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

TEST_CASE("a request means the same however it arrives") {
  front f;
  const std::string heads[] = {
    "GET /nacos/v1/ns/tell?a=b HTTP/1.1\r\nHost: x\r\nUser-Agent: u\r\nX-Real-IP: 10.0.0.1\r\n",
    "POST http://x/nacos/v1/ns/tell?c HTTP/1.1\r\nClient-Version: v\r\nContent-Type: text/x\r\n"
    "X-Forwarded-For: 10.0.0.2, 10.0.0.3\r\nContent-Length: 3\r\n",
    "PUT /nacos/v1/ns/tell HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-Real-IP: 10.0.0.4\r\n",
    "PUT /nacos/v1/ns/tell HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"};
  const std::string bodies[] = {
    "", "abc", "1\r\nd\r\n2;x=y\r\nef\r\n0\r\nX-Real-IP: 1.1.1.1\r\n\r\n", "0\r\n\r\n"};
  const std::string meant[] = {
    "GET /nacos/v1/ns/tell a=b u 10.0.0.1  []", "POST /nacos/v1/ns/tell c v 10.0.0.2 text/x [abc]",
    "PUT /nacos/v1/ns/tell   10.0.0.4  [def]", "PUT /nacos/v1/ns/tell   127.0.0.1  []"};
  for (std::size_t i = 0; i < std::size(heads); ++i) {
    auto whole = heads[i] + last + "\r\n" + bodies[i];
    CAPTURE(whole);
    std::vector<std::string> bytes;
    for (auto c : whole)
      bytes.emplace_back(1, c);
    CHECK(f.answer(bytes).ends_with("\r\n\r\n" + meant[i]));
    for (std::size_t cut = 1; cut <= whole.size(); ++cut)
      CHECK(f.answer({whole.substr(0, cut), whole.substr(cut)}).ends_with("\r\n\r\n" + meant[i]));
  }
}

TEST_CASE("what a client sends in a row is answered in order") {
  front f;
  constexpr int requests = 1'000;
  std::string sent, expected;
  for (int i = 1; i <= requests; ++i) {
    auto body = std::string(static_cast<std::size_t>(i % 50), 'x') + std::to_string(i);
    sent += post + std::string(i == requests ? last : "")
            + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    expected += '[' + body + ']';
  }
  auto text = f.answer({sent});
  std::string bodies;
  for (auto at = text.find("\r\n\r\n["); at != text.npos; at = text.find("\r\n\r\n[", at)) {
    at += 4;
    bodies += text.substr(at, text.find(']', at) + 1 - at);
  }
  CHECK(bodies == expected);
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

TEST_CASE("where a body ends is said once and clearly, or the request is refused (RFC 9112 §6.3)") {
  front f;
  struct row {
    std::string_view lines;
    bool taken;
  };
  const row rows[] = {
    {"", true},
    {"Content-Length: 0\r\n", true},
    {"Content-Length: 3\r\n", true},
    {"content-length:3\r\n", true},
    {"Content-Length: 003\r\n", true},
    {"Content-Length:  3 \r\n", true},
    {"Content-Length: \r\n", false},
    {"Content-Length: +3\r\n", false},
    {"Content-Length: -3\r\n", false},
    {"Content-Length: 0x3\r\n", false},
    {"Content-Length: 3.0\r\n", false},
    {"Content-Length: 3 3\r\n", false},
    {"Content-Length: 3, 3\r\n", false},
    {"Content-Length: 3,4\r\n", false},
    {"Content-Length: three\r\n", false},
    {"Content-Length: 99999999999999999999\r\n", false},
    {"Content-Length: 3\r\nContent-Length: 3\r\n", false},
    {"Content-Length: 3\r\nContent-Length: 4\r\n", false},
    {"Content-Length: 4\r\nContent-Length: 3\r\n", false},
    {"Content-Length: 3\r\nX: y\r\nContent-Length: 0\r\n", false},
    {"Content-Length: \r\nContent-Length: 3\r\n", false},
    {"Transfer-Encoding: chunked\r\n", true},
    {"transfer-encoding:chunked\r\n", true},
    {"Transfer-Encoding: CHUNKED\r\n", true},
    {"Transfer-Encoding:\tchunked\r\n", true},
    {"Transfer-Encoding: \r\n", false},
    {"Transfer-Encoding: identity\r\n", false},
    {"Transfer-Encoding: xchunked\r\n", false},
    {"Transfer-Encoding: chunkedx\r\n", false},
    {"Transfer-Encoding: \"chunked\"\r\n", false},
    {"Transfer-Encoding: chunked;q=1\r\n", false},
    {"Transfer-Encoding: gzip\r\n", false},
    {"Transfer-Encoding: gzip, chunked\r\n", false},
    {"Transfer-Encoding: chunked, gzip\r\n", false},
    {"Transfer-Encoding: chunked, x\r\n", false},
    {"Transfer-Encoding: chunked, chunked\r\n", false},
    {"Transfer-Encoding: chunked,\r\n", false},
    {"Transfer-Encoding: ,chunked\r\n", false},
    {"Transfer-Encoding: chun ked\r\n", false},
    {"Transfer-Encoding: \x0b"
     "chunked\r\n",
     false},
    {"Transfer-Encoding: \r\nTransfer-Encoding: xchunked\r\n", false},
    {"Transfer-Encoding: \r\nTransfer-Encoding: chunked, x\r\n", false},
    {"Transfer-Encoding: \r\nTransfer-Encoding: chunked\r\n", false},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: \r\n", false},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", false},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", false},
    {"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", false},
    {"Transfer-Encoding: chunked\r\nX: y\r\nTransfer-Encoding: identity\r\n", false},
    {"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", false},
    {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", false},
    {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", false},
    {"Transfer-Encoding : chunked\r\n", false},
    {"Content-Length : 3\r\n", false},
    {" Content-Length: 3\r\n", false},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", false},
  };
  static_assert(std::size(rows) >= 50);
  for (auto& x : rows) {
    CAPTURE(x.lines);
    bool chunked = x.lines.find("hunked") != x.lines.npos || x.lines.find("HUNKED") != x.lines.npos;
    bool has_body = x.lines.find('3') != x.lines.npos;
    // What follows the body would be a request of its own.
    std::string body = chunked ? "3\r\nabc\r\n0\r\n\r\n" : has_body ? "abc" : "";
    std::string next = "GET /nacos/v1/ns/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    if (!x.taken)
      body = "0\r\n\r\n";
    auto text = f.answer({post + std::string(x.lines) + "\r\n" + body + next});
    if (x.taken) {
      CHECK(text.starts_with("HTTP/1.1 200 "));
      CHECK(text.find(chunked || has_body ? "[abc]" : "[]") != text.npos);
      CHECK(text.ends_with("[]"));
    } else {
      CHECK(text.starts_with("HTTP/1.1 400 "));
      CHECK(text.find("HTTP/1.1", 9) == text.npos); // nothing behind it was read as a request
    }
  }
  auto old =
    f.answer({"POST /nacos/v1/ns/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"});
  CHECK(old.find(" 400 ") != old.npos);
}

TEST_CASE("a target may be a whole address (RFC 9112 §3.2.2)") {
  front f;
  auto get = [&](const std::string& target) {
    return f.answer({"GET " + target + " HTTP/1.1\r\nHost: x\r\n" + last + "\r\n"});
  };
  for (std::string host : {"127.0.0.1:8848", "x", "[::1]:1", "user@x"}) {
    CHECK(get("http://" + host + "/nacos/v1/ns/echo").starts_with("HTTP/1.1 200 "));
    CHECK(get("HTTP://" + host + "/nacos/v1/ns/echo?a=b").starts_with("HTTP/1.1 200 "));
    CHECK(get("http://" + host).starts_with("HTTP/1.1 404 "));
    CHECK(get("http://" + host + "?/nacos/v1/ns/echo").starts_with("HTTP/1.1 404 "));
  }
  CHECK(get("ftp://x/nacos/v1/ns/echo").starts_with("HTTP/1.1 404 "));
  CHECK(get("/nacos/v1/ns/echo?a=http://x/").starts_with("HTTP/1.1 200 "));
}

TEST_CASE(
  "HEAD is GET without the body, but on /v1/ns nothing, as there is no such mapping (§7.1)") {
  front f;
  auto head = [&](const std::string& target) {
    return f.answer({"HEAD " + target + " HTTP/1.1\r\nHost: x\r\n" + last + "\r\n"});
  };
  auto ready = head("/nacos/v1/console/health/readiness");
  CHECK(ready.starts_with("HTTP/1.1 200 "));
  CHECK(ready.find("Content-Length: 2\r\n") != ready.npos);
  CHECK(ready.ends_with("\r\n\r\n"));
  CHECK(head("/nacos/v2/ns/operator/switches").starts_with("HTTP/1.1 200 "));
  CHECK(head("/nacre/admin/cluster").starts_with("HTTP/1.1 200 "));
  CHECK(head("/nacos/v1/ns/echo").starts_with("HTTP/1.1 501 "));
  CHECK(head("/nacos/v2/ns/instance/none").starts_with("HTTP/1.1 404 "));
  CHECK(head("/nacos/v1/auth/login").starts_with("HTTP/1.1 405 "));
}

TEST_CASE("IPv6 and IPv4 callers are both served, each under its own name") {
  auto opts = loopback();
  opts.http.address = "";
  auto context = std::make_shared<node_context>(opts, 1);
  auto tell = [](route_table& table) {
    table["/v1/ns/echo"] = {api_family::naming_v1, +[](http_call& c) -> std::optional<reply> {
                              return text_reply('[' + c.source_ip() + ']');
                            }};
  };
  io_threads threads(1);
  threads.start();
  http_server server(threads, context->options.http,
                     router({context, [] { return true; }, "127.0.0.1"}, tell));
  server.start();
  auto ask = [&](const char* from) {
    net::io_context io;
    net::ip::tcp::socket socket(io);
    boost::system::error_code none, end;
    socket.connect({net::ip::make_address(from), server.port()}, none);
    if (none)
      return std::string("none");
    net::write(socket, net::buffer("GET /nacos/v1/ns/echo HTTP/1.1\r\nHost: x\r\n"
                                   + std::string(last) + "\r\n"));
    std::string text;
    net::read(socket, net::dynamic_buffer(text), end);
    return text;
  };
  CHECK(ask("127.0.0.1").ends_with("[127.0.0.1]"));
  auto six = ask("::1"); // none on a machine without it
  CHECK((six == "none" || six.ends_with("[::1]")));
}

TEST_CASE("bodies that wait for their rest are bounded in all and for each address") {
  auto opts = loopback();
  opts.limits.body_bytes_max = 100'000; // and 25,000 of one address
  front f(opts);
  auto& bodies = f.context->tables.bodies;
  // One is taken however long it is, and given back when it was handled.
  half_sent first(f, 12'000, 60'000);
  CHECK(bodies.now().used >= 12'000);
  CHECK(bodies.now().largest_user == "127.0.0.1");
  auto refused = f.answer({half_sent::head_of(60'000) + std::string(14'000, 'x')});
  CHECK(refused.starts_with("HTTP/1.1 503 "));
  CHECK(refused.find("too many bytes wait for the rest of their request") != refused.npos);
  CHECK(refused.find("Connection: close\r\n") != refused.npos);
  CHECK(bodies.now().refused == 1);
  CHECK(first.finish().ends_with("[" + std::string(60'000, 'x') + "]"));
  CHECK(bodies.now().used == 0);
  half_sent next(f, 14'000, 60'000);
  CHECK(bodies.now().used >= 14'000);
}

TEST_CASE("a short body is not counted, in how many pieces it may come") {
  front f;
  half_sent x(f, 4'500, 8'000);
  CHECK(x.finish().ends_with("[" + std::string(8'000, 'x') + "]"));
  CHECK(f.context->tables.bodies.now().peak == 0);
}

TEST_CASE("addresses take turns with reads that take long") {
  std::promise<void> may_begin, ended;
  std::string order;
  long_reads reads;
  reads.post("z", [begins = may_begin.get_future().share()] { begins.wait(); });
  for (std::string name : {"a1", "a2", "a3", "b1", "b2", "c1"})
    reads.post(name.substr(0, 1), [&order, name] { order += name + ' '; });
  reads.post("d", [] {});
  reads.post("a", [&] { ended.set_value(); });
  may_begin.set_value();
  ended.get_future().wait();
  CHECK(order == "a1 b1 c1 a2 b2 a3 ");
  reads.stop();
}

TEST_CASE("one address can't fill the places of reads that take long") {
  std::promise<void> begun, may_end, last;
  auto end = may_end.get_future();
  long_reads reads;
  reads.post("a", [&] {
    begun.set_value();
    end.wait();
  });
  begun.get_future().wait(); // it has its thread, and no place any more
  for (int i = 0; i < 25; ++i)
    CHECK(reads.post("a", [] {}).ok());
  CHECK_FALSE(reads.post("a", [] {}).ok());
  for (int i = 0; i < 75; ++i)
    CHECK(reads.post(i < 25 ? "b" : i < 50 ? "c" : "d", [] {}).ok());
  CHECK_FALSE(reads.post("e", [] {}).ok()); // 100 in all
  may_end.set_value();
  auto posts_last = [&] { return reads.post("e", [&] { last.set_value(); }).ok(); };
  while (!posts_last())
    std::this_thread::yield();
  last.get_future().wait();
  CHECK(reads.post("a", [] {}).ok());
  reads.stop();
  CHECK_FALSE(reads.post("a", [] {}).ok());
}
