#include <utility>

#include "http/server/server.hpp"

#include <thread>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "http/server/session.hpp"

namespace nacre {

namespace net = boost::asio;
using namespace std::chrono_literals;

namespace {

/// How late a slow client may be noticed.
constexpr auto deadline_interval = 1s;

listen_options port_of(const http_options& options) {
  return {options.address, options.port, connections_bound(options.connections_max),
          options.connections_per_address_max};
}

} // namespace

http_server::http_server(io_threads& threads, const http_options& opts, router routes)
  : threads_(threads),
    options_(opts),
    routes_(std::move(routes)),
    workers_([&] {
      std::vector<std::unique_ptr<worker>> workers;
      for (std::size_t i = 0; i < threads.size(); ++i)
        workers.push_back(std::make_unique<worker>(threads.at(i)));
      return workers;
    }()),
    listener_(std::make_shared<tcp_listener>(threads, port_of(opts), *this)) {}

http_server::~http_server() {
  stop(0ms);
  // Actors may have answered since, to queues that go with the workers; a confirmed read goes round
  // once more, as it is handled first.
  threads_.drain();
  threads_.drain();
}

void http_server::start() {
  listener_->start();
  threads_.on_each([this](std::size_t i) { watch_deadlines(*workers_[i]); });
}

void http_server::watch_deadlines(worker& x) {
  x.deadline_timer.expires_after(deadline_interval);
  x.deadline_timer.async_wait([this, &x](boost::system::error_code cancelled) {
    if (cancelled || stopping_)
      return;
    auto now = steady_now();
    std::erase_if(x.sessions, [now](const std::weak_ptr<http_session>& weak) {
      auto session = weak.lock();
      if (session)
        session->check_deadline(now);
      return !session;
    });
    watch_deadlines(x);
  });
}

void http_server::take(std::size_t thread, stream_socket socket, connection_place place,
                       bool crowded) {
  auto& owner = *workers_[thread];
  auto session =
    std::make_shared<http_session>(std::move(socket), std::move(place), *this, owner.answers);
  net::post(owner.io, [this, &owner, session, crowded] {
    if (stopping_ || (crowded && !end_longest_idle(owner)))
      return session->end(); // nobody is idle: this one is refused
    owner.sessions.push_back(session);
    session->run(owner.sockets);
  });
}

void http_server::on_scarce(const std::string& why) {
  if (!routes_.counters().descriptors_scarce.exchange(true))
    spdlog::warn("accept-failed {}: idle connections are ended, more failures are not told", why);
  for (auto& x : workers_)
    net::post(x->io, [&x = *x] { end_longest_idle(x); });
}

void http_server::on_plenty() { routes_.counters().descriptors_scarce = false; }

void http_server::refuse(stream_socket socket) {
  // Nothing was read yet, so the answer fits the empty send buffer or nobody is there.
  constexpr std::string_view busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                    "Connection: close\r\n\r\n";
  boost::system::error_code ignored;
  socket.write(busy, ignored);
  socket.shutdown_send();
}

bool http_server::end_longest_idle(worker& x) {
  std::shared_ptr<http_session> longest;
  for (auto& weak : x.sessions)
    if (auto session = weak.lock())
      if (auto since = session->waits_since())
        if (!longest || *since < *longest->waits_since())
          longest = session;
  if (longest)
    longest->end();
  return longest != nullptr;
}

void http_server::stop(milliseconds grace) {
  if (stopping_.exchange(true))
    return;
  listener_->stop();
  for (auto& x : workers_)
    net::post(x->io, [&x = *x] {
      for (auto& weak : x.sessions)
        if (auto session = weak.lock())
          session->stop();
    });
  auto deadline = std::chrono::steady_clock::now() + grace;
  while (connections() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(2ms);
  threads_.end_on_each([this](std::size_t i) { return end_all(*workers_[i]); }, 1s);
}

bool http_server::end_all(worker& x) {
  x.deadline_timer.cancel();
  bool found = false;
  for (auto& weak : x.sessions)
    if (auto session = weak.lock()) {
      session->end();
      found = true;
    }
  return found;
}

} // namespace nacre
