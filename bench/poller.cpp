#include "bench/poller.hpp"

#include "bench/clock.hpp"
#include "bench/failure.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace nacre::bench {

namespace {

void control(int epoll, int operation, int fd, poller::watched& who, bool writes) {
  epoll_event event{};
  event.events = EPOLLIN | (writes ? std::uint32_t{EPOLLOUT} : 0);
  event.data.ptr = &who;
  if (::epoll_ctl(epoll, operation, fd, &event) != 0)
    throw failure("epoll_ctl failed");
}

} // namespace

poller::poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0)
    throw failure("epoll_create1 failed");
}

poller::~poller() { ::close(epoll_); }

void poller::add(int fd, watched& who) const { control(epoll_, EPOLL_CTL_ADD, fd, who, false); }

void poller::want_write(int fd, watched& who, bool wants) const {
  control(epoll_, EPOLL_CTL_MOD, fd, who, wants);
}

bool poller::run(const std::function<bool()>& done, std::int64_t deadline_ns) const {
  std::array<epoll_event, 256> events;
  while (!done()) {
    const auto left = deadline_ns - now_ns();
    if (left <= 0)
      return false;
    const auto wait_ms = std::min<std::int64_t>(left / 1'000'000 + 1, 1'000);
    const auto count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                    static_cast<int>(wait_ms));
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      auto& who = *static_cast<watched*>(event.data.ptr);
      if (event.events & EPOLLOUT)
        who.on_writable();
      if (event.events & ~std::uint32_t{EPOLLOUT})
        who.on_readable();
    }
  }
  return true;
}

void poller::run_for(double seconds) const {
  run([] { return false; }, now_ns() + static_cast<std::int64_t>(seconds * 1e9));
}

} // namespace nacre::bench
