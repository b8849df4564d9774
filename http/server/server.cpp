#include <utility>

#include "http/server/server.hpp"

#include <sys/resource.h>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "config/usable_cores.hpp"
#include "http/server/plain_address.hpp"
#include "http/server/session.hpp"

namespace nacre {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using namespace std::chrono_literals;

namespace {

/// How late a slow client may be noticed.
constexpr auto deadline_interval = 1s;

/// The configured bound, or what of the descriptors is left for HTTP: half of them, as gRPC wants
/// some, and the node itself has files and sockets.
std::size_t connections_bound(const http_options& options) {
  constexpr std::size_t own_descriptors = 64;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return options.connections_max;
  auto all = static_cast<std::size_t>(limit.rlim_cur);
  return std::min(options.connections_max, (all - std::min(all / 2, own_descriptors)) / 2);
}

std::size_t threads_of(const http_options& options) {
  return options.io_threads != 0 ? options.io_threads : usable_cores();
}

} // namespace

http_server::http_server(const http_options& opts, router routes)
  : options_(opts),
    connections_max_(connections_bound(opts)),
    routes_(std::move(routes)),
    workers_([&] {
      std::vector<std::unique_ptr<worker>> workers;
      for (std::size_t i = 0; i < threads_of(opts); ++i)
        workers.push_back(std::make_unique<worker>());
      return workers;
    }()) {}

http_server::~http_server() { stop(0ms); }

void http_server::start() {
  auto failed = listen_where_told();
  if (failed)
    throw std::runtime_error("can't listen on "
                             + (options_.address.empty() ? "port " : options_.address + ':')
                             + std::to_string(options_.port) + ": " + failed.message());
  for (auto& x : listeners_)
    do_accept(*x);
  for (auto& x : workers_) {
    watch_deadlines(*x);
    x->thread = std::thread([&io = x->io] { io.run(); });
  }
}

boost::system::error_code http_server::listen_where_told() {
  port_ = options_.port;
  bool on_both = options_.address.empty() || options_.address == "::";
  if (!on_both)
    return listen({net::ip::make_address(options_.address), port_});
  if (auto failed = listen({tcp::v4(), port_}))
    return failed;
  auto failed = listen({tcp::v6(), port_});
  // No IPv6 in the kernel, or switched off: then there is no address to bind to.
  if (failed == net::error::address_family_not_supported
      || failed == boost::system::errc::address_not_available)
    return {};
  return failed;
}

boost::system::error_code http_server::listen(const tcp::endpoint& endpoint) {
  auto x = std::make_unique<listener>(io());
  auto& acceptor = x->acceptor;
  boost::system::error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec)
    acceptor.set_option(net::socket_base::reuse_address(true), ec);
  if (!ec && endpoint.protocol() == tcp::v6())
    acceptor.set_option(net::ip::v6_only(true), ec);
  if (!ec)
    acceptor.bind(endpoint, ec);
  if (!ec)
    acceptor.listen(4096, ec);
  if (ec)
    return ec;
  port_ = acceptor.local_endpoint().port();
  listeners_.push_back(std::move(x));
  return {};
}

void http_server::watch_deadlines(worker& x) {
  x.deadline_timer.expires_after(deadline_interval);
  x.deadline_timer.async_wait([this, &x](boost::system::error_code cancelled) {
    if (cancelled)
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

void http_server::do_accept(listener& at) {
  auto& owner = *workers_[next_worker_++ % workers_.size()];
  at.acceptor.async_accept(owner.io,
                           [this, &at, &owner](boost::system::error_code ec, tcp::socket socket) {
                             on_accept(at, owner, ec, std::move(socket));
                           });
}

void http_server::on_accept(listener& at, worker& owner, boost::system::error_code ec,
                            tcp::socket socket) {
  if (stopping_)
    return;
  auto& counters = routes_.counters();
  if (ec) {
    // Out of descriptors, most likely: some are made free, and accepting goes on.
    if (!counters.descriptors_scarce.exchange(true))
      spdlog::warn("accept-failed {}: idle connections are ended, more failures are not told",
                   ec.message());
    for (auto& x : workers_)
      net::post(x->io, [&x = *x] { end_longest_idle(x); });
    at.pause.expires_after(100ms);
    at.pause.async_wait([this, &at](boost::system::error_code cancelled) {
      if (!cancelled)
        do_accept(at);
    });
    return;
  }
  counters.descriptors_scarce = false;
  boost::system::error_code gone;
  auto address = plain_address(socket.remote_endpoint(gone).address()).to_string();
  if (!admit(address)) {
    refuse(std::move(socket));
  } else {
    bool crowded = connections_ >= connections_max_;
    ++connections_;
    counters.http_connections += 1;
    auto session =
      std::make_shared<http_session>(std::move(socket), std::move(address), *this, owner.answers);
    net::post(owner.io, [&owner, session, crowded] {
      if (crowded && !end_longest_idle(owner))
        return session->end(); // nobody is idle: this one is refused
      owner.sessions.push_back(session);
      session->run();
    });
  }
  accept_next(at);
}

void http_server::accept_next(listener& at) {
  // Each one above the bound ends another, on its own thread: a burst waits for that.
  if (connections_ < connections_max_ + connections_max_ / 8 + 1)
    return do_accept(at);
  at.pause.expires_after(1ms);
  at.pause.async_wait([this, &at](boost::system::error_code cancelled) {
    if (!cancelled)
      accept_next(at);
  });
}

bool http_server::admit(const std::string& address) {
  std::lock_guard guard(addresses_lock_);
  auto i = by_address_.try_emplace(address, 0).first;
  if (i->second >= options_.connections_per_address_max)
    return false;
  ++i->second;
  return true;
}

void http_server::refuse(tcp::socket socket) {
  // Nothing was read yet, so the answer fits the empty send buffer or nobody is there.
  constexpr std::string_view busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                    "Connection: close\r\n\r\n";
  boost::system::error_code ec;
  socket.non_blocking(true, ec);
  socket.write_some(net::buffer(busy), ec);
  socket.shutdown(tcp::socket::shutdown_send, ec);
  socket.close(ec);
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

void http_server::on_session_end(const std::string& address) {
  --connections_;
  routes_.counters().http_connections += -1;
  std::lock_guard guard(addresses_lock_);
  if (auto i = by_address_.find(address); i != by_address_.end() && --i->second == 0)
    by_address_.erase(i);
}

void http_server::stop(milliseconds grace) {
  if (stopping_.exchange(true))
    return;
  net::post(io(), [this] {
    boost::system::error_code ec;
    for (auto& x : listeners_) {
      x->acceptor.close(ec);
      x->pause.cancel();
    }
  });
  for (auto& x : workers_)
    net::post(x->io, [&x = *x] {
      for (auto& weak : x.sessions)
        if (auto session = weak.lock())
          session->stop();
    });
  auto deadline = std::chrono::steady_clock::now() + grace;
  while (connections_ > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(2ms);
  for (auto& x : workers_)
    x->io.stop();
  for (auto& x : workers_)
    if (x->thread.joinable())
      x->thread.join();
}

} // namespace nacre
