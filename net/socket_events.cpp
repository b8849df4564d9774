#include <utility>

#include "net/socket_events.hpp"

#include <array>
#include <cerrno>

#include <sys/epoll.h>

#include <boost/asio/post.hpp>

namespace nacre {

namespace {

/// So many are told in a row: the first of them waits for the last before its answer is sent.
constexpr int told_max = 64;

int new_epoll() {
  auto fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
  return fd;
}

std::uint64_t packed(socket_events::ticket x) {
  return std::uint64_t{x.number} << 32 | std::uint64_t{x.place};
}

socket_events::ticket unpacked(std::uint64_t x) {
  return {static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(x >> 32)};
}

} // namespace

socket_events::socket_events(boost::asio::io_context& io) : io_(io), epoll_(io, new_epoll()) {
  wait();
}

socket_events::~socket_events() {
  auto left = std::exchange(entries_, {}); // these may call `remove`
}

bool socket_events::add(int fd, std::shared_ptr<socket_user> user, ticket& entered) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  ticket next{free_.back(), ++last_number_};
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = packed(next);
  if (epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0)
    return false;
  free_.pop_back();
  entries_[next.place] = {std::move(user), next.number};
  entered = next;
  return true;
}

void socket_events::remove(ticket entered) {
  if (entered.place >= entries_.size() || entries_[entered.place].number != entered.number)
    return;
  auto gone = std::exchange(entries_[entered.place], {}); // its end may come back here
  free_.push_back(entered.place);
}

void socket_events::when_told(std::function<void()> task) {
  // By the queue of the thread a task would come after another look at all that Asio waits for.
  if (telling_)
    when_told_.push_back(std::move(task));
  else
    boost::asio::post(io_, std::move(task));
}

void socket_events::wait() {
  epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [this](boost::system::error_code ended) {
                      if (ended)
                        return;
                      tell();
                      wait();
                    });
}

void socket_events::tell() {
  std::array<epoll_event, told_max> events;
  auto count = epoll_wait(epoll_.native_handle(), events.data(), told_max, 0);
  telling_ = true;
  for (int i = 0; i < count; ++i) {
    auto& event = events[static_cast<std::size_t>(i)];
    auto to = unpacked(event.data.u64);
    // One that was told before it may have removed this one.
    if (to.place >= entries_.size() || entries_[to.place].number != to.number)
      continue;
    auto user = entries_[to.place].user;
    bool ending = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    user->on_ready({(event.events & EPOLLIN) != 0 || ending,
                    (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0, ending});
  }
  telling_ = false;
  auto tasks = std::exchange(when_told_, {});
  for (auto& task : tasks)
    task();
  tasks.clear();
  when_told_.swap(tasks); // its memory is used again
}

} // namespace nacre
