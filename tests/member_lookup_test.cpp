#include "http/net/member_lookup.hpp"

#include "config/config_error.hpp"
#include "net/resolve.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <pthread.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace nacre;
using namespace std::chrono_literals;

namespace {

namespace net = boost::asio;
namespace fs = std::filesystem;
using tcp = net::ip::tcp;
using texts = std::vector<std::string>;

/// How often `part` stands in `text`.
std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto i = text.find(part); i != text.npos; i = text.find(part, i + 1))
    ++count;
  return count;
}

/// What is logged while it lives.
class captured_log {
public:
  captured_log() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_, true);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", sink));
  }
  ~captured_log() { spdlog::set_default_logger(before_); }
  std::size_t count(const std::string& part) const { return count_of(text_.str(), part); }

private:
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream text_;
};

/// An address server on a port of its own, as good or bad as the test wants it. A thread of its
/// own, since a lookup waits for it at start.
class address_server {
public:
  address_server() : thread_([this] { run(); }) {}

  ~address_server() {
    stopping_ = true;
    {
      // The client may be gone without having read all: no write may wait for it.
      std::lock_guard guard(mutex_);
      if (writing_to_ >= 0)
        ::shutdown(writing_to_, SHUT_RDWR);
    }
    tcp::socket wake(io_);
    boost::system::error_code ignored;
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  unsigned requests() const { return requests_; }

  std::string last_request() {
    std::lock_guard guard(mutex_);
    return last_request_;
  }

  /// What every request from now on gets, `times` over; -1: without end.
  void answer_raw(std::string bytes, int times = 1) {
    std::lock_guard guard(mutex_);
    answer_ = std::move(bytes);
    times_ = times;
  }

  void answer(const std::string& body, const std::string& status = "200 OK") {
    answer_raw("HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size())
               + "\r\n\r\n" + body);
  }

  /// Requests get their answer and the connection stays open.
  void keep_open(bool keep) { keep_open_ = keep; }

private:
  void run() {
    std::list<tcp::socket> kept;
    for (;;) {
      boost::system::error_code ec;
      tcp::socket socket(io_);
      acceptor_.accept(socket, ec);
      {
        std::lock_guard guard(mutex_);
        if (stopping_)
          return;
        writing_to_ = socket.native_handle();
      }
      std::string request;
      net::read_until(socket, net::dynamic_buffer(request), "\r\n\r\n", ec);
      std::string bytes;
      int times = 0;
      {
        std::lock_guard guard(mutex_);
        last_request_ = request;
        bytes = answer_;
        times = times_;
      }
      ++requests_;
      for (int i = 0; !ec && !stopping_ && i != times; ++i)
        net::write(socket, net::buffer(bytes), ec);
      {
        std::lock_guard guard(mutex_);
        writing_to_ = -1;
      }
      if (keep_open_)
        kept.push_back(std::move(socket));
    }
  }

  net::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(net::ip::make_address("127.0.0.1"), 0)};
  std::mutex mutex_;
  std::string last_request_;
  std::string answer_;
  int times_ = 1;
  int writing_to_ = -1;
  std::atomic<unsigned> requests_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> keep_open_{false};
  std::thread thread_;
};

/// A lookup in a hurry, with a folder of its own.
struct lookup_test {
  fs::path folder = fs::temp_directory_path() / ("nacre-members-test-" + std::to_string(getpid()));
  captured_log log;
  net::io_context io{1};
  cluster_options options;
  member_lookup_times times{
    .file_interval = 2ms, .server_interval = 2ms, .server_timeout = 5'000ms, .first_pause = 1ms};
  std::vector<texts> changes;
  std::shared_ptr<member_lookup> lookup;

  lookup_test() {
    fs::create_directories(folder);
    options.file = folder / "cluster.conf";
    options.address_server_domain = "127.0.0.1";
  }
  ~lookup_test() { fs::remove_all(folder); }

  void write(const std::string& text, const std::string& name = "cluster.conf") {
    std::ofstream(folder / name, std::ios::binary) << text;
  }

  /// A new lookup, and what it finds at start.
  texts first() {
    lookup = std::make_shared<member_lookup>(
      io, options, 8848, [this](texts members) { changes.push_back(std::move(members)); }, times);
    return lookup->first();
  }

  texts start() {
    auto members = first();
    lookup->start();
    return members;
  }

  std::string first_error() {
    try {
      first();
    } catch (const config_error& error) {
      return error.what();
    }
    return "no error";
  }

  void use(const address_server& server) {
    options.lookup = "address-server";
    options.address_server_port = server.port();
  }

  /// Runs the lookup until the condition holds.
  void until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < deadline)
      io.run_one_for(10ms);
    REQUIRE(condition());
  }

  void until_changed(const texts& members) {
    until([&] { return !changes.empty() && changes.back() == members; });
  }

  void until_logged(const std::string& part) {
    until([&] { return log.count(part) > 0; });
  }
};

} // namespace

TEST_CASE("where members are looked up: what is told, else the list, the file, the server") {
  const struct {
    std::string lookup, members;
    bool file;
    member_source wanted;
  } cases[] = {
    {"", "a", true, member_source::list},
    {"", "a", false, member_source::list},
    {"", "", true, member_source::file},
    {"", "", false, member_source::address_server},
    {"file", "a", true, member_source::file},
    {"file", "a", false, member_source::list},
    {"file", "", true, member_source::file},
    {"file", "", false, member_source::file},
    {"address-server", "a", true, member_source::address_server},
    {"address-server", "", false, member_source::address_server},
  };
  for (const auto& x : cases) {
    CAPTURE(x.lookup + '/' + x.members + (x.file ? "/file" : ""));
    cluster_options options;
    options.lookup = x.lookup;
    options.members = x.members;
    CHECK(choose_source(options, x.file) == x.wanted);
  }
}

TEST_CASE_FIXTURE(lookup_test, "a list is read once, sorted and with the node's own port") {
  options.members = "node-2,10.0.0.9:8850,10.0.0.10:8850,10.0.0.9:8850";
  CHECK(start() == texts{"10.0.0.10:8850", "10.0.0.9:8850", "node-2:8848"});
  CHECK(io.run() == 0);
}

TEST_CASE_FIXTURE(lookup_test, "a start without readable members says what is wanted") {
  const std::string wanted = "; wanted host[:port] of each in nacos.member.list (--members) or in "
                             "the file "
                             + options.file.string()
                             + ", or an address server (address.server.domain) that tells them";
  const auto file = "the members of the cluster: the file " + options.file.string() + ": ";
  options.lookup = "file";
  CHECK(first_error() == file + "No such file or directory" + wanted);
  write("# nobody yet\n");
  CHECK(first_error() == file + "names nobody" + wanted);
  write("10.0.0.1:8848\n10.0.0.2:x\na b\nc:0\n[::1\n");
  CHECK(first_error() == file + "no host[:port]: '10.0.0.2:x', 'a b', 'c:0' and 1 more" + wanted);
  write(std::string(64 * 1024 + 1, '\n'));
  CHECK(first_error() == file + "longer than 65536 bytes" + wanted);
  fs::remove(options.file);
  fs::create_directory(options.file);
  CHECK(first_error() == file + "is no regular file" + wanted);
  options.members = "a:0";
  options.lookup = "";
  CHECK(first_error()
        == "the members of the cluster: the list nacos.member.list: no host[:port]: 'a:0'"
             + wanted);
}

TEST_CASE_FIXTURE(lookup_test, "a file is read again when it is rewritten or renamed over") {
  const std::string text = "# ours\n10.0.0.1\n10.0.0.2 # the second\n";
  write(text);
  CHECK(start() == texts{"10.0.0.1:8848", "10.0.0.2:8848"});
  write("10.0.0.1\n10.0.0.3\n"); // as long as before
  until_changed({"10.0.0.1:8848", "10.0.0.3:8848"});
  write("10.0.0.4\n", "new");
  fs::rename(folder / "new", options.file);
  until_changed({"10.0.0.4:8848"});
  write("10.0.0.5\n", "linked");
  fs::remove(options.file);
  fs::create_symlink(folder / "linked", options.file); // as mounted by Kubernetes
  until_changed({"10.0.0.5:8848"});
  CHECK(changes.size() == 3);
  // Other words for the same members change nothing, and nobody but the test wrote the file.
  const std::string last = "# the same\n10.0.0.5:8848\n";
  write(last);
  write("10.0.0.6", "next");
  fs::rename(folder / "next", options.file);
  until_changed({"10.0.0.6:8848"});
  CHECK(changes.size() == 4);
  std::ifstream in(options.file);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "10.0.0.6");
}

TEST_CASE_FIXTURE(lookup_test, "a file that is half-written, empty or gone removes no member") {
  write("10.0.0.1\n10.0.0.2\n");
  start();
  write("10.0.0.1\n10.0.0.2:88x\n");
  until_logged("no host[:port]: '10.0.0.2:88x'; the 2 members known before hold");
  write("");
  until_logged("names nobody; the 2");
  fs::remove(options.file);
  until_logged("No such file or directory; the 2");
  write(std::string(70'000, '#'));
  until_logged("longer than 65536 bytes; the 2");
  for (int looks = 0; looks < 10; ++looks)
    io.run_one();
  CHECK(changes.empty());
  write("10.0.0.1\n");
  until_changed({"10.0.0.1:8848"});
  CHECK(changes.size() == 1);
  CHECK(log.count("members-kept") == 4); // each once, though read many times
}

TEST_CASE_FIXTURE(lookup_test, "a file that still changes from look to look is not taken over") {
  write("10.0.0.1\n10.0.0.2\n");
  start();
  // Each look finds another text, all of them lists: a file that is being written.
  for (int i = 0; i < 30; ++i) {
    write("10.0.0.1\n10.0.0.2\n10.0.1." + std::to_string(i) + "\n");
    io.run_one();
  }
  CHECK(changes.empty());
  until_changed({"10.0.0.1:8848", "10.0.0.2:8848", "10.0.1.29:8848"});
  CHECK(changes.size() == 1);
}

TEST_CASE_FIXTURE(lookup_test, "a lookup nobody owns any more ends") {
  write("10.0.0.1\n");
  start();
  lookup.reset();
  io.run(); // returns: nothing is under way
  CHECK(changes.empty());
}

TEST_CASE_FIXTURE(lookup_test, "an address server is asked at start and ever after") {
  address_server server;
  use(server);
  options.address_server_url = "/nacos/serverlist?of=a";
  server.answer("10.0.0.2\n10.0.0.1:8850\n");
  CHECK(start() == texts{"10.0.0.1:8850", "10.0.0.2:8848"});
  CHECK(server.last_request().starts_with("GET /nacos/serverlist?of=a HTTP/1.1\r\n"));
  CHECK(server.last_request().find("Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n")
        != std::string::npos);
  until([&] { return server.requests() > 3; });
  CHECK(changes.empty());
  server.answer("10.0.0.3");
  until_changed({"10.0.0.3:8848"});
  CHECK(changes.size() == 1);
}

TEST_CASE_FIXTURE(lookup_test, "a start has five tries to reach the address server") {
  address_server server;
  use(server);
  server.answer("no", "500 Internal Server Error");
  const auto error = first_error();
  CHECK(error.find("the address server 127.0.0.1:" + std::to_string(server.port())
                   + "/nacos/serverlist: status 500; wanted")
        != error.npos);
  CHECK(server.requests() == 5);
  CHECK(log.count("(try 5 of 5)") == 1);
  server.answer("");
  CHECK(first_error().find("names nobody") != error.npos);
  CHECK(server.requests() == 10);
  server.answer_raw("", 0); // closes each connection
  CHECK(first_error().find("end of stream") != error.npos);
  server.answer_raw("", 0);
  server.keep_open(true);
  times.server_timeout = 20ms;
  CHECK(first_error().find("no answer within 20 ms") != error.npos);
}

TEST_CASE_FIXTURE(lookup_test, "a bad address server changes nothing, whatever it answers") {
  address_server server;
  use(server);
  server.answer("10.0.0.1\n10.0.0.2\n");
  times.server_timeout = 200ms;
  start();
  // A request that was under way may still have got the answer before; the third has not.
  const auto ask = [&] { until([&, n = server.requests()] { return server.requests() > n + 2; }); };
  server.answer("10.0.0.3", "500 Internal Server Error");
  ask();
  server.answer("10.0.0.3", "204 No Content");
  ask();
  server.answer("10.0.0.3\n<html>\n");
  ask();
  server.answer("");
  ask();
  server.answer_raw("10.0.0.3\r\n\r\n");
  ask();
  server.answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n10.0.0.3\n");
  ask();
  server.answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n10.0.0.3\n"); // cut off
  ask();
  server.answer_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 1);
  ask();
  server.answer_raw("HTTP/1.1 200 OK\r\n" + std::string(20'000, 'a'));
  ask();
  CHECK(changes.empty());
  server.answer("10.0.0.4");
  until_changed({"10.0.0.4:8848"});
  CHECK(changes.size() == 1);
}

TEST_CASE_FIXTURE(lookup_test, "an answer without end or of any size meets a bound") {
  address_server server;
  use(server);
  server.answer("10.0.0.1\n");
  start();
  const auto ask = [&] { until([&, n = server.requests()] { return server.requests() > n + 2; }); };
  server.answer_raw("HTTP/1.1 200 OK\r\n\r\n10.0.0.1\n", 100'000'000); // ends with the connection
  ask();
  server.answer_raw(std::string(1'000, 'a'), -1);
  ask();
  server.answer_raw("HTTP/1.1 200 OK\r\n\r\n" + std::string(1'000, '\n'), -1);
  ask();
  CHECK(changes.empty());
}

TEST_CASE_FIXTURE(lookup_test, "a server that answers and never closes is waited for in vain") {
  address_server server;
  use(server);
  server.answer("10.0.0.1\n");
  times.server_timeout = 20ms;
  start();
  server.keep_open(true);
  server.answer_raw("HTTP/1.1 200 OK\r\n\r\n10.0.0.3\n"); // its end would be the connection's
  until_logged("members-kept");
  CHECK(log.count("no answer within 20 ms, 12 times in a row; the 1 members") == 1);
  CHECK(changes.empty());
}

TEST_CASE_FIXTURE(lookup_test, "twelve failures in a row are told once, and so is their end") {
  address_server server;
  use(server);
  server.answer("10.0.0.1\n");
  start();
  server.answer("", "503 Service Unavailable");
  until([&, n = server.requests()] { return server.requests() > n + 30; });
  CHECK(log.count("members-kept") == 1);
  CHECK(log.count("status 503, 12 times in a row") == 1);
  server.answer("10.0.0.1\n");
  until_logged("members-told-again");
  until([&, n = server.requests()] { return server.requests() > n + 3; });
  CHECK(log.count("members-told-again") == 1);
  CHECK(changes.empty());
}

// -- hosts ---------------------------------------------------------------------------------------

namespace {

/// The process gets no thread while it lives: none has room for its stack.
class no_threads {
public:
  no_threads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 47);
    REQUIRE(pthread_setattr_default_np(&huge) == 0);
    pthread_attr_destroy(&huge);
  }
  ~no_threads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }

private:
  pthread_attr_t before_;
};

/// What a look-up gives: `address:port`, or how it failed.
std::string resolved(net::io_context& io, const std::string& host, std::uint16_t port = 80) {
  std::string answer;
  tcp::resolver resolver(io);
  resolve(resolver, host, port,
          [&](boost::system::error_code failed, const resolved_endpoints& found) {
            std::ostringstream text;
            failed ? text << failed.message() : text << found.begin()->endpoint();
            answer = text.str();
          });
  CHECK(answer.empty()); // later, never within
  io.restart();
  io.run();
  return answer;
}

} // namespace

TEST_CASE("an address is no name: its endpoint is there without a thread") {
  no_threads none;
  net::io_context io;
  CHECK(resolved(io, "10.0.0.1") == "10.0.0.1:80");
  CHECK(resolved(io, "::1", 8848) == "[::1]:8848");
  CHECK(resolved(io, "") == "Host not found (authoritative)");
}

TEST_CASE("a name for which the system has no thread fails, and is found when it has one again") {
  net::io_context io;
  {
    no_threads none;
    CHECK(resolved(io, "localhost") == "Resource temporarily unavailable");
  }
  auto found = resolved(io, "localhost");
  CHECK((found == "127.0.0.1:80" || found == "[::1]:80"));
}
