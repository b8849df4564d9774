#include <utility>

#include "grpc/http2/http2_worker.hpp"

#include <algorithm>

#include "grpc/http2/http2_connection.hpp"

namespace nacre {

namespace {

milliseconds tick_of(const http2_limits& limits) {
  constexpr milliseconds shortest(20), longest(1'000);
  auto least =
    std::min({limits.handshake_patience, limits.keepalive_time, limits.keepalive_timeout});
  return std::clamp(least / 4, shortest, longest);
}

} // namespace

void http2_worker::buffers::shrink() {
  constexpr std::size_t kept_max = 512 * 1024;
  for (auto* x : {&plain, &out, &cipher})
    if (x->capacity() > kept_max)
      std::string().swap(*x);
}

http2_worker::http2_worker(io_thread& thread, http2_common& shared)
  : io(thread.io),
    sockets(thread.sockets),
    common(shared),
    inbox(std::make_shared<http2_inbox>(io, [this] { flush_marked(); })),
    tick_(tick_of(shared.limits)),
    timer_(io) {}

void http2_worker::start() { watch(); }

void http2_worker::watch() {
  timer_.expires_after(tick_);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled || stopped_)
      return;
    on_tick();
    watch();
  });
}

void http2_worker::on_tick() {
  auto now = steady_now();
  std::erase_if(connections_, [now](const std::weak_ptr<http2_connection>& weak) {
    auto connection = weak.lock();
    if (connection)
      connection->on_tick(now);
    return !connection;
  });
  flush_marked();
}

void http2_worker::mark(http2_connection_ptr x) {
  marked_.push_back(std::move(x));
  // A round of the inbox, or of the clock, comes round to it by itself; others may not.
  if (!std::exchange(flush_posted_, true))
    sockets.when_told([this, alive = inbox] {
      flush_posted_ = false;
      flush_marked();
    });
}

void http2_worker::flush_marked() {
  auto marked = std::exchange(marked_, {});
  for (auto& x : marked)
    x->flush();
  if (marked_.empty()) {
    marked.clear();
    marked_ = std::move(marked); // its memory is used again
  }
}

void http2_worker::go_away() {
  for (auto& weak : connections_)
    if (auto connection = weak.lock())
      connection->go_away();
  flush_marked();
}

bool http2_worker::end_all() {
  stopped_ = true;
  timer_.cancel();
  bool found = false;
  for (auto& weak : connections_)
    if (auto connection = weak.lock()) {
      connection->close({status_code::unavailable, "the node stops"});
      found = true;
    }
  marked_.clear();
  inbox->close();
  return found;
}

void http2_worker::make_room() {
  http2_connection_ptr longest;
  for (auto& weak : connections_)
    if (auto connection = weak.lock(); connection && connection->is_dispensable())
      if (!longest || connection->idle_since() < longest->idle_since())
        longest = std::move(connection);
  if (longest)
    longest->close({status_code::unavailable, "the node is full"});
}

} // namespace nacre
