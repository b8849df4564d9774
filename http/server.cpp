#include <utility>

#include "http/server.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "config/usable_cores.hpp"
#include "http/session.hpp"

namespace nacre {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using namespace std::chrono_literals;

namespace {

/// How late a slow client may be noticed.
constexpr auto deadline_interval = 1s;

std::size_t threads_of(const http_options& options) {
  return options.io_threads != 0 ? options.io_threads : usable_cores();
}

} // namespace

http_server::http_server(const http_options& opts, router routes)
  : options_(opts),
    routes_(std::move(routes)),
    workers_([&] {
      std::vector<std::unique_ptr<worker>> workers;
      for (std::size_t i = 0; i < threads_of(opts); ++i)
        workers.push_back(std::make_unique<worker>());
      return workers;
    }()),
    acceptor_(io()),
    accept_pause_(io()) {}

http_server::~http_server() { stop(0ms); }

void http_server::start() {
  tcp::endpoint endpoint(net::ip::make_address(options_.address), options_.port);
  try {
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(net::socket_base::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(4096);
  } catch (const boost::system::system_error& failure) {
    throw std::runtime_error("can't listen on " + options_.address + ':'
                             + std::to_string(options_.port) + ": " + failure.code().message());
  }
  port_ = acceptor_.local_endpoint().port();
  do_accept();
  for (auto& x : workers_) {
    watch_deadlines(*x);
    x->thread = std::thread([&io = x->io] { io.run(); });
  }
}

void http_server::watch_deadlines(worker& x) {
  x.deadline_timer.expires_after(deadline_interval);
  x.deadline_timer.async_wait([this, &x](boost::system::error_code cancelled) {
    if (cancelled)
      return;
    auto now_ms = steady_now_ms();
    std::erase_if(x.sessions, [now_ms](const std::weak_ptr<http_session>& weak) {
      auto session = weak.lock();
      if (session)
        session->check_deadline(now_ms);
      return !session;
    });
    watch_deadlines(x);
  });
}

void http_server::do_accept() {
  auto& owner = *workers_[next_worker_++ % workers_.size()];
  acceptor_.async_accept(owner.io, [this, &owner](boost::system::error_code ec,
                                                  tcp::socket socket) {
    on_accept(owner, ec, std::move(socket));
  });
}

void http_server::on_accept(worker& owner, boost::system::error_code ec, tcp::socket socket) {
  if (stopping_)
    return;
  if (ec) {
    // Out of file descriptors, most likely: accepting goes on when some are free again.
    spdlog::warn("accept-failed {}", ec.message());
    accept_pause_.expires_after(100ms);
    accept_pause_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled)
        do_accept();
    });
    return;
  }
  if (connections_ >= options_.connections_max) {
    // Nothing was read yet, so the answer fits the empty send buffer or nobody is there.
    constexpr std::string_view busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                      "Connection: close\r\n\r\n";
    socket.non_blocking(true, ec);
    socket.write_some(net::buffer(busy), ec);
    socket.shutdown(tcp::socket::shutdown_send, ec);
    socket.close(ec);
  } else {
    ++connections_;
    auto session = std::make_shared<http_session>(std::move(socket), *this, owner.answers);
    net::post(owner.io, [&owner, session] {
      owner.sessions.push_back(session);
      session->run();
    });
  }
  do_accept();
}

void http_server::stop(milliseconds grace) {
  if (stopping_.exchange(true))
    return;
  net::post(io(), [this] {
    boost::system::error_code ec;
    acceptor_.close(ec);
    accept_pause_.cancel();
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
