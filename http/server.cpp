#include <utility>

#include "http/server.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "http/session.hpp"

namespace nacre {

namespace net = boost::asio;
using tcp = net::ip::tcp;

namespace {

std::vector<std::unique_ptr<net::io_context>> make_contexts(std::size_t count) {
  std::vector<std::unique_ptr<net::io_context>> contexts;
  if (count == 0)
    count = std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i)
    contexts.push_back(std::make_unique<net::io_context>(1));
  return contexts;
}

} // namespace

http_server::http_server(const http_options& opts, router routes)
  : options_(opts),
    routes_(std::move(routes)),
    contexts_(make_contexts(opts.io_threads)),
    acceptor_(*contexts_.front()),
    accept_pause_(*contexts_.front()) {}

http_server::~http_server() { stop(milliseconds(0)); }

void http_server::start() {
  tcp::endpoint endpoint(net::ip::make_address(options_.address), options_.port);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(net::socket_base::reuse_address(true));
  acceptor_.bind(endpoint);
  acceptor_.listen(4096);
  port_ = acceptor_.local_endpoint().port();
  do_accept();
  for (auto& context : contexts_) {
    work_.push_back(net::make_work_guard(*context));
    threads_.emplace_back([&context = *context] { context.run(); });
  }
}

void http_server::do_accept() {
  auto& context = *contexts_[next_context_++ % contexts_.size()];
  acceptor_.async_accept(context, [this](boost::system::error_code ec, tcp::socket socket) {
    on_accept(ec, std::move(socket));
  });
}

void http_server::on_accept(boost::system::error_code ec, tcp::socket socket) {
  if (stopping_)
    return;
  if (ec) {
    // Out of file descriptors, most likely: accepting goes on when some are free again.
    spdlog::warn("accept-failed {}", ec.message());
    accept_pause_.expires_after(std::chrono::milliseconds(100));
    accept_pause_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled)
        do_accept();
    });
    return;
  }
  if (connections_ >= options_.connections_max) {
    socket.close(ec);
  } else {
    ++connections_;
    auto executor = socket.get_executor();
    auto session = std::make_shared<http_session>(std::move(socket), *this);
    keep(session);
    net::post(executor, [session] { session->run(); });
  }
  do_accept();
}

void http_server::keep(const std::shared_ptr<http_session>& session) {
  std::lock_guard guard(sessions_lock_);
  if (sessions_.size() >= sessions_sweep_at_) {
    std::erase_if(sessions_, [](const std::weak_ptr<http_session>& x) { return x.expired(); });
    sessions_sweep_at_ = std::max<std::size_t>(64, sessions_.size() * 2);
  }
  sessions_.push_back(session);
}

void http_server::stop(milliseconds grace) {
  if (stopping_.exchange(true))
    return;
  net::post(*contexts_.front(), [this] {
    boost::system::error_code ec;
    acceptor_.close(ec);
    accept_pause_.cancel();
  });
  {
    std::lock_guard guard(sessions_lock_);
    for (auto& x : sessions_)
      if (auto session = x.lock())
        session->stop();
  }
  auto deadline = std::chrono::steady_clock::now() + grace;
  while (connections_ > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  work_.clear();
  for (auto& context : contexts_)
    context->stop();
  for (auto& thread : threads_)
    thread.join();
  threads_.clear();
}

} // namespace nacre
