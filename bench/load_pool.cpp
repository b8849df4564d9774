#include "bench/load_pool.hpp"

#include "bench/answer_reader.hpp"
#include "bench/clock.hpp"
#include "bench/failure.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace nacre::bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto stall_time = std::chrono::seconds(10);

/// What all connections of one run share.
struct pool {
  pool(const tcp::endpoint& address, request_source& source)
    : address(address), source(source), watchdog(context) {}

  [[noreturn]] void fail(const std::string& what) const {
    std::ostringstream text;
    text << address << ": " << what;
    throw failure(text.str());
  }

  /// Ends a run in which nothing moves; armed anew as long as answers come.
  void watch() {
    watchdog.expires_after(stall_time);
    watchdog.async_wait([this, seen = answers](error_code error) {
      if (error)
        return;
      if (seen == answers)
        fail("no answer for 10 s");
      watch();
    });
  }

  tcp::endpoint address;
  request_source& source;
  asio::io_context context{1};
  asio::steady_timer watchdog;
  std::size_t answers = 0;
  std::size_t reconnects = 0;
  std::size_t active = 0;
};

/// Sends a request, reads its answer, and so on. A socket that can take the whole request at once,
/// which is nearly always so, spares the generator a turn of the event loop.
class connection {
public:
  explicit connection(pool& owner) : pool_(owner), socket_(owner.context) { connect(); }

  void send_next() {
    const auto* request = pool_.source.next(ticket_);
    if (!request) {
      if (--pool_.active == 0)
        pool_.watchdog.cancel();
      return;
    }
    sent_ns_ = now_ns();
    error_code error;
    const auto count = socket_.write_some(asio::buffer(*request), error);
    if (error && error != asio::error::would_block)
      pool_.fail("cannot send: " + error.message());
    if (count == request->size()) {
      read();
      return;
    }
    asio::async_write(socket_, asio::buffer(*request) + count,
                      [this](error_code failed, std::size_t) {
                        if (failed)
                          pool_.fail("cannot send: " + failed.message());
                        read();
                      });
  }

private:
  void connect() {
    error_code error;
    socket_.connect(pool_.address, error);
    if (error)
      pool_.fail("cannot connect: " + error.message());
    socket_.set_option(tcp::no_delay(true));
    socket_.non_blocking(true);
  }

  void read() {
    const auto space = reader_.free_space();
    socket_.async_read_some(asio::buffer(space.data(), space.size()),
                            [this](error_code error, std::size_t count) { on_read(error, count); });
  }

  void on_read(error_code error, std::size_t count) {
    if (error)
      pool_.fail(std::string(reader_.empty() ? "no answer: " : "half an answer: ")
                 + error.message());
    if (!reader_.commit(count)) {
      read();
      return;
    }
    const auto done_ns = now_ns();
    if (reader_.status() != 200)
      pool_.fail("status " + std::to_string(reader_.status()) + ": "
                 + std::string(reader_.body().substr(0, 300)));
    ++pool_.answers;
    pool_.source.on_answer(ticket_, {reader_.body(), sent_ns_, done_ns});
    if (!reader_.keep_alive()) {
      // Some servers close after a number of requests; that is allowed, so it is only counted.
      ++pool_.reconnects;
      socket_.close();
      connect();
    }
    reader_.clear();
    send_next();
  }

  pool& pool_;
  tcp::socket socket_;
  answer_reader reader_;
  std::size_t ticket_ = 0;
  std::int64_t sent_ns_ = 0;
};

} // namespace

pool_report run_pool(const tcp::endpoint& address, std::size_t connections,
                     request_source& source) {
  pool shared(address, source);
  std::vector<std::unique_ptr<connection>> all;
  for (std::size_t i = 0; i < connections; ++i)
    all.push_back(std::make_unique<connection>(shared));
  const auto wall = now_ns();
  const auto cpu = thread_cpu_ns();
  shared.active = connections;
  shared.watch();
  for (auto& one : all)
    one->send_next();
  shared.context.run();
  const auto span = std::max<std::int64_t>(now_ns() - wall, 1);
  return {static_cast<double>(thread_cpu_ns() - cpu) / static_cast<double>(span),
          shared.reconnects};
}

} // namespace nacre::bench
