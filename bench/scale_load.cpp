#include "bench/scale_load.hpp"

#include "bench/clock.hpp"
#include "bench/failure.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

namespace nacre::bench {

namespace {

/// How long the loop waits for answers before it looks what is due.
constexpr std::int64_t pace_ns = 500'000;

} // namespace

class scale_load::connection final : public poller::watched {
public:
  connection(scale_load& owner, const boost::asio::ip::tcp::endpoint& address) : owner_(owner) {
    fd_ = ::socket(address.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0 || ::connect(fd_, address.data(), static_cast<socklen_t>(address.size())) != 0)
      throw failure(std::string("cannot connect: ") + std::strerror(errno));
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    owner_.loop_.add(fd_, *this);
  }
  ~connection() override { ::close(fd_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void send(const std::string& request) {
    sent_ns_ = now_ns();
    // Less than any socket's buffer, which is empty as the answer before has come.
    const auto count = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
    if (count != static_cast<ssize_t>(request.size()))
      throw failure(std::string("cannot send: ") + std::strerror(errno));
  }

  void on_readable() override {
    const auto space = reader_.free_space();
    const auto count = ::recv(fd_, space.data(), space.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
      return;
    if (count <= 0)
      throw failure("the server closed a connection");
    if (!reader_.commit(static_cast<std::size_t>(count)))
      return;
    if (reader_.status() != 200)
      throw failure("status " + std::to_string(reader_.status()) + ": "
                    + std::string(reader_.body().substr(0, 300)));
    owner_.plan_->check(reader_.body());
    if (!reader_.keep_alive())
      throw failure("the server does not keep a connection");
    reader_.clear();
    owner_.last_ns_ = now_ns();
    owner_.result_.latencies_ns.push_back(
      static_cast<std::uint32_t>(std::min<std::int64_t>(owner_.last_ns_ - sent_ns_, UINT32_MAX)));
    owner_.ends_ |= !owner_.plan_->goes_on(++owner_.result_.answers);
    owner_.idle_.push_back(this);
    owner_.send_due();
  }

  void on_writable() override {}

private:
  scale_load& owner_;
  int fd_ = -1;
  std::int64_t sent_ns_ = 0;
  answer_reader reader_;
};

scale_load::scale_load(const boost::asio::ip::tcp::endpoint& address, std::size_t connections) {
  for (std::size_t i = 0; i < connections; ++i) {
    all_.push_back(std::make_unique<connection>(*this, address));
    idle_.push_back(all_.back().get());
  }
}

scale_load::~scale_load() = default;

std::size_t scale_load::due() const {
  if (std::isinf(plan_->per_second))
    return plan_->count;
  const auto seconds = static_cast<double>(now_ns() - begin_ns_) / 1e9;
  return std::min(plan_->count, static_cast<std::size_t>(seconds * plan_->per_second));
}

void scale_load::send_due() {
  if (ends_)
    return;
  const auto wanted = due();
  while (sent_ < wanted && !idle_.empty()) {
    auto* next = idle_.back();
    idle_.pop_back();
    next->send(plan_->make(sent_++));
  }
  if (wanted != plan_->count)
    result_.behind_max = std::max(result_.behind_max, wanted - sent_);
}

load_result scale_load::run(const load_plan& plan) {
  plan_ = &plan;
  result_ = {};
  sent_ = 0;
  ends_ = false;
  begin_ns_ = last_ns_ = now_ns();
  const auto cpu = thread_cpu_ns();
  const auto is_done = [&] {
    return idle_.size() == all_.size() && (ends_ || sent_ == plan.count);
  };
  while (!is_done()) {
    send_due();
    loop_.run(is_done, now_ns() + pace_ns);
    if (idle_.size() != all_.size() && now_ns() - last_ns_ > patience_ns)
      throw failure("no answer for 10 s");
  }
  const auto span = std::max<std::int64_t>(last_ns_ - begin_ns_, 1);
  result_.seconds = static_cast<double>(span) / 1e9;
  result_.busy = static_cast<double>(thread_cpu_ns() - cpu) / static_cast<double>(span);
  return std::move(result_);
}

} // namespace nacre::bench
