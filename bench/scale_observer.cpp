#include "bench/scale_observer.hpp"

#include "bench/answer_reader.hpp"
#include "bench/clock.hpp"
#include "bench/failure.hpp"
#include "bench/statistics.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace nacre::bench {

namespace {

constexpr int patience_s = 10;

/// A prime, so that an order of steps of it meets every service.
constexpr std::size_t stride = 611'953;

class blocking_connection {
public:
  explicit blocking_connection(const boost::asio::ip::tcp::endpoint& address) {
    fd_ = ::socket(address.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{patience_s, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (fd_ < 0 || ::connect(fd_, address.data(), static_cast<socklen_t>(address.size())) != 0)
      throw failure("the observer cannot connect");
  }
  ~blocking_connection() { ::close(fd_); }
  blocking_connection(const blocking_connection&) = delete;
  blocking_connection& operator=(const blocking_connection&) = delete;

  /// The body of the answer, valid until the next request.
  std::string_view ask(const std::string& request) {
    reader_.clear();
    if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL)
        != static_cast<ssize_t>(request.size()))
      throw failure("the observer cannot send");
    for (bool whole = false; !whole;) {
      const auto space = reader_.free_space();
      const auto count = ::recv(fd_, space.data(), space.size(), 0);
      if (count <= 0)
        throw failure(count == 0 ? "the server closed the observer's connection"
                                 : "no answer to the observer for 10 s");
      whole = reader_.commit(static_cast<std::size_t>(count));
    }
    if (reader_.status() != 200)
      throw failure("the observer got status " + std::to_string(reader_.status()));
    return reader_.body();
  }

private:
  int fd_ = -1;
  answer_reader reader_;
};

std::uint32_t count_of(std::string_view text, std::string_view part) {
  std::uint32_t result = 0;
  for (auto i = text.find(part); i != text.npos; i = text.find(part, i + part.size()))
    ++result;
  return result;
}

void sleep_until(std::int64_t at_ns) {
  const timespec time{static_cast<time_t>(at_ns / 1'000'000'000),
                      static_cast<long>(at_ns % 1'000'000'000)};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

} // namespace

double scale_observer::result::wait_us(double share) const {
  std::vector<std::int64_t> waits;
  waits.reserve(seen.size());
  for (const auto& x : seen)
    waits.push_back(x.wait_ns);
  return static_cast<double>(quantile(std::move(waits), share)) / 1e3;
}

scale_observer::scale_observer(const boost::asio::ip::tcp::endpoint& address, const fleet& all,
                               std::size_t services, std::int64_t interval_ns)
  : address_(address), all_(all), services_(services), interval_ns_(interval_ns), thread_([this] {
      try {
        observe();
      } catch (...) {
        error_ = std::current_exception();
      }
    }) {}

scale_observer::~scale_observer() {
  ends_ = true;
  if (thread_.joinable())
    thread_.join();
}

scale_observer::result scale_observer::stop() {
  ends_ = true;
  thread_.join();
  if (error_)
    std::rethrow_exception(error_);
  return std::move(result_);
}

void scale_observer::observe() {
  // The load is `SCHED_BATCH`: it leaves its core to this thread at once.
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_OTHER, &none);
  blocking_connection server(address_);
  auto due = now_ns();
  for (std::size_t i = 0; !ends_; ++i, due += interval_ns_) {
    if (due > now_ns()) {
      sleep_until(due);
      result_.late_ns = std::max(result_.late_ns, now_ns() - due);
    }
    const auto service = i * stride % services_;
    const auto body = server.ask(query_request(all_, service, 0));
    const auto now = now_ns();
    result_.seen.push_back(
      {now, now - due, service, count_of(body, R"("ip":")"), count_of(body, R"("healthy":false)")});
  }
}

} // namespace nacre::bench
