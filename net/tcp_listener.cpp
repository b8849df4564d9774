#include <utility>

#include "net/tcp_listener.hpp"

#include <stdexcept>

#include <sys/resource.h>

#include <boost/asio/ip/v6_only.hpp>

#include "net/plain_address.hpp"

namespace nacre {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using namespace std::chrono_literals;

std::size_t connections_bound(std::size_t configured) {
  constexpr std::size_t own_descriptors = 64;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return configured;
  auto all = static_cast<std::size_t>(limit.rlim_cur);
  return std::min(configured, (all - std::min(all / 2, own_descriptors)) / 2);
}

tcp_listener::tcp_listener(io_threads& threads, listen_options options, connection_taker& taker)
  : threads_(threads),
    options_(std::move(options)),
    taker_(taker),
    places_(std::make_shared<connection_places>(options_.connections_per_address_max)) {}

void tcp_listener::start() {
  if (auto failed = listen_where_told())
    throw std::runtime_error("can't listen on "
                             + (options_.address.empty() ? "port " : options_.address + ':')
                             + std::to_string(options_.port) + ": " + failed.message());
  for (auto& x : entrances_)
    do_accept(*x);
}

void tcp_listener::stop() {
  if (stopped_.exchange(true))
    return;
  threads_.on_each([this](std::size_t i) {
    if (i != 0)
      return;
    boost::system::error_code ec;
    for (auto& x : entrances_) {
      x->acceptor.close(ec);
      x->pause.cancel();
    }
  });
}

boost::system::error_code tcp_listener::listen_where_told() {
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

boost::system::error_code tcp_listener::listen(const tcp::endpoint& endpoint) {
  auto x = std::make_unique<entrance>(threads_.front());
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
  entrances_.push_back(std::move(x));
  return {};
}

void tcp_listener::do_accept(entrance& at) {
  auto thread = next_thread_++ % threads_.size();
  at.acceptor.async_accept(
    threads_.at(thread),
    [self = shared_from_this(), &at, thread](boost::system::error_code ec, tcp::socket socket) {
      self->on_accept(at, thread, ec, std::move(socket));
    });
}

void tcp_listener::on_accept(entrance& at, std::size_t thread, boost::system::error_code ec,
                             tcp::socket socket) {
  if (stopped_)
    return;
  if (ec) {
    // Out of descriptors, most likely: some are made free, and accepting goes on.
    taker_.on_scarce(ec.message());
    at.pause.expires_after(100ms);
    at.pause.async_wait([self = shared_from_this(), &at](boost::system::error_code cancelled) {
      if (!cancelled && !self->stopped_)
        self->do_accept(at);
    });
    return;
  }
  taker_.on_plenty();
  boost::system::error_code gone;
  auto address = plain_address(socket.remote_endpoint(gone).address()).to_string();
  bool crowded = connections() >= options_.connections_max;
  if (auto place = places_->take(address))
    taker_.take(thread, std::move(socket), std::move(*place), crowded);
  else
    taker_.refuse(std::move(socket));
  accept_next(at);
}

void tcp_listener::accept_next(entrance& at) {
  // Each one above the bound ends another, on its own thread: a burst waits for that.
  auto max = options_.connections_max;
  if (connections() < max + max / 8 + 1)
    return do_accept(at);
  at.pause.expires_after(1ms);
  at.pause.async_wait([self = shared_from_this(), &at](boost::system::error_code cancelled) {
    if (!cancelled && !self->stopped_)
      self->accept_next(at);
  });
}

} // namespace nacre
