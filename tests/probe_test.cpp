#include <utility>

#include "probe/asio_prober.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include "probe/mysql_filter.hpp"

// Real sockets on loopback. Held to Nacos `TcpHealthCheckProcessor`, `HttpHealthCheckProcessor` and
// `MysqlHealthCheckProcessor`, as spec/semantics.md §3.2 has them.

using namespace nacre;
using namespace std::chrono_literals;

namespace {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using boost::system::error_code;
using kind = probe_answer::kind;
using pace = probe_answer::pace;

/// What a target does with each connection.
struct script {
  /// Said in turn: the first on accept, each other when something came.
  std::vector<std::string> says;
  /// Said after the last of them until the other side closes.
  std::string for_ever = {};
  bool resets = false;
};

/// A target with a thread of its own; it notes what it hears.
class target {
public:
  explicit target(script x, const char* ip = "127.0.0.1")
    : script_(std::move(x)),
      acceptor_(io_, tcp::endpoint(net::ip::make_address(ip), 0)),
      ip_(ip),
      port_(acceptor_.local_endpoint().port()) {
    do_accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  ~target() {
    io_.stop();
    thread_.join();
  }

  const std::string& ip() const { return ip_; }
  std::uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }

  std::string heard() {
    std::lock_guard lock(mutex_);
    return heard_;
  }

  /// All that the last connection had to say, after it was closed.
  std::string heard_to_end() {
    std::unique_lock lock(mutex_);
    closed_.wait_for(lock, 5s, [this] { return ended_ > 0; });
    return heard_;
  }

private:
  struct connection {
    explicit connection(tcp::socket x) : socket(std::move(x)) {}
    tcp::socket socket;
    std::size_t next = 0;
    std::array<char, 4096> buffer;
  };
  using connection_ptr = std::shared_ptr<connection>;

  void do_accept() {
    acceptor_.async_accept([this](error_code ec, tcp::socket socket) {
      if (ec)
        return;
      ++accepted_;
      if (script_.resets)
        socket.set_option(net::socket_base::linger(true, 0));
      else
        say(std::make_shared<connection>(std::move(socket)));
      do_accept();
    });
  }

  void say(connection_ptr x) {
    bool has_more = x->next < script_.says.size();
    if (!has_more && script_.for_ever.empty())
      return listen(std::move(x));
    auto& text = has_more ? script_.says[x->next++] : script_.for_ever;
    net::async_write(x->socket, net::buffer(text), [this, x](error_code ec, std::size_t) {
      bool goes_on = x->next == script_.says.size() && !script_.for_ever.empty();
      goes_on && !ec ? say(x) : listen(x);
    });
  }

  void listen(connection_ptr x) {
    auto& c = *x;
    c.socket.async_read_some(net::buffer(c.buffer),
                             [this, x = std::move(x)](error_code ec, std::size_t bytes) {
                               std::lock_guard lock(mutex_);
                               heard_.append(x->buffer.data(), bytes);
                               if (!ec)
                                 return say(x);
                               ++ended_;
                               closed_.notify_all();
                             });
  }

  script script_;
  net::io_context io_{1};
  tcp::acceptor acceptor_;
  std::string ip_;
  std::uint16_t port_;
  std::atomic<int> accepted_{0};
  std::mutex mutex_;
  std::condition_variable closed_;
  std::string heard_;
  int ended_ = 0;
  std::thread thread_;
};

/// A port that answers nothing, not even who connects: its queue is full.
class deaf_target {
public:
  deaf_target() {
    acceptor_.open(tcp::v4());
    acceptor_.bind({net::ip::address_v4::loopback(), 0});
    acceptor_.listen(0);
    for (auto& x : queued_) {
      x.open(tcp::v4());
      x.non_blocking(true);
      // Not by Asio, which would wait.
      auto here = acceptor_.local_endpoint();
      ::connect(x.native_handle(), here.data(), static_cast<socklen_t>(here.size()));
    }
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
  net::io_context io_;
  tcp::acceptor acceptor_{io_};
  std::array<tcp::socket, 4> queued_{tcp::socket(io_), tcp::socket(io_), tcp::socket(io_),
                                     tcp::socket(io_)};
};

std::uint16_t closed_port() {
  net::io_context io;
  return tcp::acceptor(io, {net::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

/// Collects answers, whatever thread they come on. Outlives its prober.
class answer_box {
public:
  prober::listener listener() {
    return [this](std::vector<probe_answer> x) {
      std::lock_guard lock(mutex_);
      ++calls_;
      std::move(x.begin(), x.end(), std::back_inserter(answers_));
      came_.notify_all();
    };
  }

  std::vector<probe_answer> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    bool all = came_.wait_for(lock, 20s, [&] { return answers_.size() >= count; });
    CHECK(all);
    return answers_;
  }

  std::size_t calls() {
    std::lock_guard lock(mutex_);
    return calls_;
  }

private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<probe_answer> answers_;
  std::size_t calls_ = 0;
};

health_checker tcp_check() { return {}; }

health_checker http_check(std::string path = "", int expected = 200) {
  health_checker x;
  x.type = health_checker::kind::http;
  x.path = std::move(path);
  x.expected_response_code = expected;
  return x;
}

health_checker mysql_check(std::string command = "") {
  health_checker x;
  x.type = health_checker::kind::mysql;
  x.user = "watcher";
  x.password = "s3cret-word";
  x.command = std::move(command);
  return x;
}

probe_order order_of(std::uint64_t number, std::string ip, std::uint16_t port,
                     health_checker checker) {
  return {number, std::move(ip), port, std::make_shared<const health_checker>(std::move(checker))};
}

std::vector<probe_answer> ask(std::vector<probe_order> orders, std::size_t sockets_max = 1024) {
  answer_box box;
  asio_prober prober(sockets_max);
  auto count = orders.size();
  prober.probe(std::move(orders), box.listener());
  return box.wait_for(count);
}

probe_answer ask(const std::string& ip, std::uint16_t port, health_checker checker) {
  auto answers = ask({order_of(7, ip, port, std::move(checker))});
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].number == 7);
  return answers[0];
}

probe_answer ask(const target& x, health_checker checker) {
  return ask(x.ip(), x.port(), std::move(checker));
}

void check_answer(const probe_answer& x, kind what, pace next, std::string_view why) {
  CHECK(x.what == what);
  CHECK(x.next == next);
  CHECK(x.why == why);
}

std::string http_head(std::string_view status) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 2\r\n\r\nhi";
}

/// Waits for the request, then answers.
probe_answer ask_http(std::string answer, health_checker checker = http_check()) {
  target x({{"", std::move(answer)}});
  return ask(x, std::move(checker));
}

} // namespace

// -- TCP -----------------------------------------------------------------------------------------

TEST_CASE("a port that is open is well, and the connection is closed without a word") {
  target x({});
  check_answer(ask(x, tcp_check()), kind::ok, pace::measured, "connected");
  CHECK(x.heard_to_end() == "");
}

TEST_CASE("a port that nobody listens at is refused, whatever the check") {
  for (auto& checker : {tcp_check(), http_check(), mysql_check()})
    check_answer(ask("127.0.0.1", closed_port(), checker), kind::failed_for_sure, pace::slowest,
                 "refused");
}

TEST_CASE("a target that does not answer at all has 500 ms") {
  deaf_target x;
  std::vector<probe_order> orders;
  for (auto& checker : {tcp_check(), http_check(), mysql_check()})
    orders.push_back(order_of(orders.size(), "127.0.0.1", x.port(), checker));
  for (auto& answer : ask(std::move(orders))) {
    check_answer(answer, kind::failed, pace::slower, "no answer within 500 ms");
    CHECK(answer.took >= 500ms);
    CHECK(answer.took < 2s);
  }
}

TEST_CASE("a target that is silent, talks or resets after it was connected to is open") {
  for (const script& says : {script{}, script{{"220 hello\r\n"}}, script{{}, "x"}}) {
    target x(says);
    check_answer(ask(x, tcp_check()), kind::ok, pace::measured, "connected");
  }
  target resets({{}, "", true});
  auto answer = ask(resets, tcp_check()); // the reset may come before the connection is seen
  CHECK((answer.what == kind::ok || answer.next == pace::slowest));
}

TEST_CASE("IPv6 is asked like IPv4") {
  std::optional<target> x;
  try {
    x.emplace(script{{"", http_head("200 OK")}}, "::1");
  } catch (const boost::system::system_error&) {
    MESSAGE("no IPv6 here");
    return;
  }
  check_answer(ask(*x, tcp_check()), kind::ok, pace::measured, "connected");
  check_answer(ask(*x, http_check()), kind::ok, pace::measured, "status 200");
  CHECK(x->heard().find("Host: [::1]:" + std::to_string(x->port()) + "\r\n") != std::string::npos);
}

TEST_CASE("only literal addresses are asked: nothing is looked up") {
  target x({});
  for (auto ip : {"localhost", "", "127.1", "127.0.0.1 ", "::1%lo", "fe80::1%1", "[::1]", "1.2.3"})
    for (auto& checker : {tcp_check(), http_check(), mysql_check()}) {
      CAPTURE(ip);
      check_answer(ask(ip, x.port(), checker), kind::failed, pace::slowest, "no address");
    }
  check_answer(ask("127.0.0.1", 0, mysql_check()), kind::failed, pace::slowest, "no address");
  CHECK(x.accepted() == 0);
}

TEST_CASE("a name is looked up if that is asked for") {
  auto answers = ask({{1, "localhost", 0, nullptr}, {2, "nobody.invalid", 0, nullptr}});
  REQUIRE(answers.size() == 2);
  if (answers[0].number != 1)
    std::swap(answers[0], answers[1]);
  CHECK((answers[0].address == "127.0.0.1" || answers[0].address == "::1"));
  CHECK(answers[0].what == probe_answer::kind::ok);
  CHECK(answers[1].address == "");
  CHECK(answers[1].what == probe_answer::kind::failed);
}

TEST_CASE("an address without a way there is an error of the system, in its words") {
  auto answer = ask("255.255.255.255", 80, tcp_check());
  CHECK(answer.what == kind::failed);
  CHECK(answer.next == pace::slowest);
  CHECK(answer.why != "");
}

// -- HTTP ----------------------------------------------------------------------------------------

TEST_CASE("the request is a plain GET of the path with the headers of the check") {
  target x({{"", http_head("200 OK")}});
  auto checker = http_check("/health?a=1");
  checker.headers = "X-A: 1|X-B:b:c";
  check_answer(ask(x, checker), kind::ok, pace::measured, "status 200");
  CHECK(x.heard_to_end()
        == "GET /health?a=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(x.port())
             + "\r\nConnection: close\r\nX-A: 1\r\nX-B: b:c\r\nUser-Agent: VIPServer\r\n\r\n");
}

TEST_CASE("the status says how it is") {
  check_answer(ask_http(http_head("200 OK")), kind::ok, pace::measured, "status 200");
  check_answer(ask_http(http_head("204 None"), http_check("/", 204)), kind::ok, pace::measured,
               "status 204");
  check_answer(ask_http(http_head("503 Busy"), http_check("/", 503)), kind::ok, pace::measured,
               "status 503");
  check_answer(ask_http(http_head("503 Busy")), kind::failed, pace::slower, "status 503");
  for (auto status : {"404 Not Found", "204 None", "301 Moved", "500 Error"})
    check_answer(ask_http(http_head(status)), kind::failed_for_sure, pace::slowest,
                 "status " + std::string(status, 3));
  check_answer(ask_http("HTTP/1.1 100 Continue\r\n\r\n" + http_head("200 OK")), kind::ok,
               pace::measured, "status 200");
}

TEST_CASE("a redirect is not followed") {
  target elsewhere({{"", http_head("200 OK")}});
  auto location = "http://127.0.0.1:" + std::to_string(elsewhere.port()) + "/";
  check_answer(ask_http("HTTP/1.1 302 Found\r\nLocation: " + location + "\r\n\r\n"), kind::failed,
               pace::slower, "status 302");
  CHECK(elsewhere.accepted() == 0);
}

TEST_CASE("the whole head has 500 ms from the connection on") {
  for (const script& says : {script{}, script{{"", "HTTP/1.1 200 OK\r\n"}}}) {
    target x(says);
    auto answer = ask(x, http_check());
    check_answer(answer, kind::failed, pace::slower, "no answer within 500 ms");
    CHECK(answer.took >= 500ms);
    CHECK(answer.took < 2s);
  }
}

TEST_CASE("a head without an end is no HTTP, and a body without one is not read") {
  target head({{"HTTP/1.1 200 OK\r\nX: "}, std::string(64 * 1024, 'x')});
  check_answer(ask(head, http_check()), kind::failed, pace::slowest, "no HTTP");
  target body({{"HTTP/1.1 200 OK\r\n\r\n"}, std::string(64 * 1024, 'x')});
  check_answer(ask(body, http_check()), kind::ok, pace::measured, "status 200");
}

TEST_CASE("what is no HTTP, or ends before its head does, counts") {
  for (auto bytes : {"SSH-2.0-x\r\n", "HTTP/2 200\r\n\r\n", "\xff\x00", "HTTP/1.1 abc\r\n\r\n"})
    check_answer(ask_http(bytes), kind::failed, pace::slowest, "no HTTP");
  target resets({{}, "", true});
  auto answer = ask(resets, http_check());
  CHECK(answer.what == kind::failed);
  CHECK(answer.next == pace::slowest);
}

TEST_CASE("a path or header that would be a second request is not sent") {
  target x({{"", http_head("200 OK")}});
  auto headers = http_check();
  headers.headers = "a:b\r\nHost: other";
  for (auto& checker : {http_check("/ HTTP/1.1\r\n\r\nGET /other"), http_check("other"), headers})
    check_answer(ask(x, checker), kind::failed, pace::slowest, "its path or headers can't be sent");
  CHECK(x.accepted() == 0);
}

// -- MySQL ---------------------------------------------------------------------------------------

namespace {

std::string packet(int sequence, std::string_view body) {
  std::string x;
  for (int shift : {0, 8, 16})
    x += static_cast<char>(body.size() >> shift & 0xFF);
  x += static_cast<char>(sequence);
  return x.append(body);
}

using namespace std::string_literals;

const std::string challenge = "abcdefghijklmnopqrst";

std::string greeting(const std::string& plugin = "mysql_native_password") {
  auto body = "\x0a"
              "8.0.0\0\x01\0\0\0"s
              + challenge.substr(0, 8) + "\0"s + "\xff\xf7\x21\x02\0\xff\x81\x15"s
              + std::string(10, '\0') + challenge.substr(8) + "\0"s + plugin + "\0"s;
  return packet(0, body);
}

const std::string okay = "\0\0\0\x02\0\0\0"s;

std::string refusal(int sequence, int number, std::string_view text) {
  return packet(sequence, "\xff"s + static_cast<char>(number & 0xFF)
                            + static_cast<char>(number >> 8) + "#28000" + std::string(text));
}

std::string text_field(std::string_view text) {
  return static_cast<char>(text.size()) + std::string(text);
}

std::string column(int sequence, std::string_view name) {
  return packet(sequence, text_field("def") + text_field("") + text_field("") + text_field("")
                            + text_field(name) + text_field("")
                            + "\x0c\x21\0\0\x04\0\0\xfd\0\0\0\0\0"s);
}

std::string end_of_rows(int sequence) { return packet(sequence, "\xfe\0\0\x02\0"s); }

std::string read_only_rows(std::string_view value) {
  return packet(1, "\x02") + column(2, "Variable_name") + column(3, "Value") + end_of_rows(4)
         + packet(5, text_field("read_only") + text_field(value)) + end_of_rows(6);
}

/// A server that lets everybody in.
target open_server(std::string answer) {
  return target({{greeting(), packet(2, okay), std::move(answer)}});
}

std::string switch_to(std::string_view plugin) {
  return packet(2, "\xfe"s + std::string(plugin) + "\0"s + challenge + "\0"s);
}

} // namespace

TEST_CASE("a server that takes writes is well, one that is read-only counts as failed") {
  auto writable = open_server(read_only_rows("OFF"));
  check_answer(ask(writable, mysql_check()), kind::ok, pace::measured, "answered");
  auto heard = writable.heard_to_end();
  CHECK(heard.find("show global variables where variable_name='read_only'") != std::string::npos);
  CHECK(heard.find("watcher") != std::string::npos);
  CHECK(heard.find("s3cret-word") == std::string::npos);
  CHECK(heard.ends_with("\x01\0\0\0\x01"s)); // it says goodbye

  auto replica = open_server(read_only_rows("ON"));
  check_answer(ask(replica, mysql_check(" SHOW GLOBAL variables where variable_name='READ_only' ")),
               kind::failed, pace::slower, "it is read-only (a replica)");
}

TEST_CASE("what MariaDB adds to the columns of an answer is known") {
  auto extended = packet(2, text_field("def") + text_field("") + text_field("") + text_field("")
                              + text_field("Value") + text_field("") + text_field("\0\x04json"s)
                              + "\x0c\x21\0\0\x04\0\0\xfd\0\0\0\0\0"s);
  auto stream = greeting() + packet(2, okay);
  auto rows = packet(1, "\x01\x01") + extended + end_of_rows(3);
  mysql_filter filter;
  CHECK(filter.take(reinterpret_cast<unsigned char*>(stream.data()), stream.size()));
  CHECK(filter.expect_answer());
  CHECK(filter.take(reinterpret_cast<unsigned char*>(rows.data()), rows.size()));
  auto early = greeting() + packet(2, okay) + "\x01";
  mysql_filter strict;
  CHECK(strict.take(reinterpret_cast<unsigned char*>(early.data()), early.size()));
  CHECK_FALSE(strict.expect_answer());
}

TEST_CASE("any other command is well if it works") {
  auto rows = open_server(read_only_rows("ON"));
  check_answer(ask(rows, mysql_check("select 1")), kind::ok, pace::measured, "answered");
  auto none = open_server(packet(1, okay));
  check_answer(ask(none, mysql_check("set @x=1")), kind::ok, pace::measured, "answered");
  CHECK(none.heard_to_end().find("set @x=1") != std::string::npos);
}

TEST_CASE("errors of a server are told by their numbers only") {
  target login({{greeting(), refusal(2, 1045, "Access denied for 'watcher' (s3cret-word)")}});
  check_answer(ask(login, mysql_check()), kind::failed_for_sure, pace::slowest, "error 1045");
  auto query = open_server(refusal(1, 1064, "You have an error near 's3cret-word'"));
  check_answer(ask(query, mysql_check("nonsense")), kind::failed_for_sure, pace::slowest,
               "error 1064");
  target full({{refusal(0, 1040, "Too many connections")}});
  check_answer(ask(full, mysql_check()), kind::failed_for_sure, pace::slowest, "error 1040");
}

TEST_CASE("a server has a second for all of it") {
  target silent({});
  target slow({{greeting()}});
  auto slow_query = open_server("");
  std::vector<probe_order> orders;
  for (auto x : {&silent, &slow, &slow_query})
    orders.push_back(order_of(orders.size(), x->ip(), x->port(), mysql_check()));
  for (auto& answer : ask(std::move(orders))) {
    check_answer(answer, kind::failed, pace::slower, "no answer within 1000 ms");
    CHECK(answer.took >= 1000ms);
    CHECK(answer.took < 3s);
  }
}

TEST_CASE("what is no MySQL counts") {
  for (auto& bytes : {"SSH-2.0-x\r\n"s, "HTTP/1.1 400 Bad Request\r\n\r\n"s, "\xff\xff\xff\0x"s,
                      packet(0, ""), packet(0, "\x0a"), packet(0, std::string(40, '\xff')),
                      packet(0, "\x0a" + std::string(200, 'x'))}) {
    target x({{bytes}, "x"});
    auto answer = ask(x, mysql_check());
    CHECK(answer.what == kind::failed);
    CHECK((answer.why.starts_with("no MySQL") || answer.why.starts_with("no answer")));
  }
  target resets({{}, "", true});
  auto answer = ask(resets, mysql_check());
  CHECK(answer.what == kind::failed);
  CHECK(answer.next == pace::slowest);
}

TEST_CASE("a server that never stops is cut off, whatever it sends") {
  auto columns = packet(1, "\x02") + column(2, "a");
  auto row = packet(1, text_field("a") + text_field("b"));
  auto progress = packet(1, "\xff\xff\xff\x01\x01\x01\0\0\0"s);
  // Heaps of columns, columns without end, progress without end.
  for (auto& [begin, more] : {std::pair{packet(1, "\xfd\xff\xff\xff"), "x"s},
                              {columns, column(3, "b")},
                              {progress, progress}}) {
    target x({{greeting(), packet(2, okay), begin}, more});
    check_answer(ask(x, mysql_check()), kind::failed, pace::slowest, "no MySQL");
  }
  target switches({{greeting()}, switch_to("mysql_native_password")});
  check_answer(ask(switches, mysql_check()), kind::failed, pace::slowest, "no MySQL");
  // Of rows without end the first is enough.
  auto rows = packet(1, "\x02") + column(2, "a") + column(3, "b") + end_of_rows(4);
  target endless({{greeting(), packet(2, okay), rows}, row});
  check_answer(ask(endless, mysql_check()), kind::ok, pace::measured, "answered");
}

TEST_CASE("a server can't make the library read what is not there") {
  auto null_text =
    packet(2, text_field("def") + "\xfb\xfb\xfb\x01x\xfb\x0c\x21\0\0\x04\0\0\xfd\0\0\0\0\0"s);
  for (auto& definition : {null_text, packet(2, "\x03"), packet(2, "\xfd\xff\xff\x01"),
                           packet(2, std::string(5000, '\1')),
                           packet(2, "\x03"
                                     "def\0\0\0\0\0\x01x"s)}) {
    target x({{greeting(), packet(2, okay), packet(1, "\x01") + definition + end_of_rows(3)}});
    check_answer(ask(x, mysql_check()), kind::failed, pace::slowest, "no MySQL");
  }
  auto report = packet(0, "\xff\xff\xff\x01\x01\x01\0\0\0"s);
  auto early = greeting() + packet(1, okay) + packet(2, okay);
  for (auto& bytes : {report, early, packet(0, greeting().substr(4, 40))}) {
    target x({{bytes}, "\xff"});
    check_answer(ask(x, mysql_check()), kind::failed, pace::slowest, "no MySQL");
  }
}

TEST_CASE("no server gets the password itself") {
  const script scripts[] = {
    {{greeting("mysql_clear_password"), "x"}},
    {{greeting(), switch_to("mysql_clear_password"), packet(4, okay)}},
    {{greeting(), switch_to("dialog"), packet(4, "\x04Password:"), packet(6, okay)}},
    {{greeting(), packet(2, "\xfe"), packet(4, okay)}},
    {{greeting(), switch_to("sha256_password"), packet(4, okay)}},
    {{greeting(), switch_to("../../../../tmp/x"), packet(4, okay)}},
    // It wants all of it, or a key of its own choice to be used.
    {{greeting("caching_sha2_password"), packet(2, "\x01\x04"), packet(4, okay)}},
  };
  for (auto& x : scripts) {
    target server(x);
    auto answer = ask(server, mysql_check());
    CAPTURE(x.says.back());
    CAPTURE(answer.why);
    CHECK(answer.what == kind::failed_for_sure);
    CHECK(answer.why.starts_with("error "));
    auto heard = server.heard_to_end();
    CHECK(heard.find("s3cret-word") == std::string::npos);
    CHECK(heard.find("\x01\0\0\x03\x02"s) == std::string::npos); // asks for a key
  }
}

TEST_CASE("a challenge of each kind is answered") {
  target sha2({{greeting("caching_sha2_password"), packet(2, "\x01\x03") + packet(3, okay),
                read_only_rows("OFF")}});
  check_answer(ask(sha2, mysql_check()), kind::ok, pace::measured, "answered");
  target native({{greeting("caching_sha2_password"), switch_to("mysql_native_password"),
                  packet(4, okay), read_only_rows("OFF")}});
  check_answer(ask(native, mysql_check()), kind::ok, pace::measured, "answered");
}

TEST_CASE("no server gets a file") {
  auto x = open_server(packet(1, "\xfb/etc/passwd"));
  check_answer(ask(x, mysql_check()), kind::failed, pace::slowest, "no MySQL");
  CHECK(x.heard_to_end().find("root:") == std::string::npos);
}

// -- many ----------------------------------------------------------------------------------------

TEST_CASE("beyond the bound orders wait in order, and their time does not count") {
  target x({});
  std::vector<probe_order> orders;
  for (std::uint64_t i = 0; i < 16; ++i)
    orders.push_back(order_of(i, x.ip(), x.port(), http_check()));
  auto begin = std::chrono::steady_clock::now();
  auto answers = ask(std::move(orders), 8);
  CHECK(std::chrono::steady_clock::now() - begin >= 1s);
  REQUIRE(answers.size() == 16);
  for (std::uint64_t i = 0; i < 16; ++i) {
    CHECK(answers[i].number == i);
    check_answer(answers[i], kind::failed, pace::slower, "no answer within 500 ms");
    CHECK(answers[i].took < 950ms);
  }
}

TEST_CASE("thousands are answered once each, many at a time") {
  target x({});
  answer_box box;
  asio_prober prober(16);
  constexpr std::uint64_t count = 3000;
  for (std::uint64_t part = 0; part < 3; ++part) {
    std::vector<probe_order> orders;
    for (std::uint64_t i = part; i < count; i += 3)
      orders.push_back(order_of(i, x.ip(), x.port(), tcp_check()));
    prober.probe(std::move(orders), box.listener());
  }
  prober.probe({}, box.listener());
  auto answers = box.wait_for(count);
  std::vector<bool> seen(count);
  for (auto& answer : answers) {
    CHECK(answer.what == kind::ok);
    CHECK_FALSE(seen.at(answer.number));
    seen.at(answer.number) = true;
  }
  CHECK(box.calls() < count / 2);
}

TEST_CASE("a prober ends with probes under way and waiting") {
  target x({});
  deaf_target deaf;
  answer_box box;
  auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < 20; ++round) {
    asio_prober prober(9);
    std::vector<probe_order> orders;
    for (auto& checker : {http_check(), mysql_check()})
      for (int i = 0; i < 2; ++i)
        orders.push_back(order_of(1, x.ip(), x.port(), checker));
    for (auto& checker : {tcp_check(), http_check(), mysql_check()})
      for (int i = 0; i < 4; ++i)
        orders.push_back(order_of(1, "127.0.0.1", deaf.port(), checker));
    orders.push_back(order_of(0, "none", 1, tcp_check()));
    std::rotate(orders.begin(), orders.end() - 1, orders.end());
    prober.probe(std::move(orders), box.listener());
    if (round % 2 == 0)
      box.wait_for(static_cast<std::size_t>(round / 2 + 1)); // begun
  }
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}
