#include <utility>

#include "net/tcp_listener.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>

#include "net/plain_address.hpp"

namespace nacre {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

/// So many are accepted in a row before others get their turn.
constexpr int accepted_max = 32;

} // namespace

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
    wait(*x);
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
  if (!ec)
    acceptor.native_non_blocking(true, ec);
  if (ec)
    return ec;
  port_ = acceptor.local_endpoint().port();
  entrances_.push_back(std::move(x));
  return {};
}

void tcp_listener::wait(entrance& at) {
  at.acceptor.async_wait(tcp::acceptor::wait_read,
                         [self = shared_from_this(), &at](boost::system::error_code ended) {
                           if (!ended && !self->stopped_)
                             self->on_waiting(at);
                         });
}

void tcp_listener::on_waiting(entrance& at) {
  for (int turn = 0; turn < accepted_max; ++turn) {
    if (is_full())
      return go_on_after(at, 1ms);
    tcp::endpoint from;
    auto size = static_cast<socklen_t>(from.capacity());
    stream_socket socket(
      ::accept4(at.acceptor.native_handle(), from.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.is_open()) {
      from.resize(size);
      taker_.on_plenty();
      take(std::move(socket), from);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      // Out of descriptors, most likely: some are made free, and accepting goes on.
      taker_.on_scarce(std::strerror(errno));
      return go_on_after(at, 100ms);
    }
  }
  wait(at);
}

void tcp_listener::take(stream_socket socket, const tcp::endpoint& from) {
  bool crowded = connections() >= options_.connections_max;
  if (auto place = places_->take(plain_address(from.address()).to_string()))
    taker_.take(next_thread_++ % threads_.size(), std::move(socket), std::move(*place), crowded);
  else
    taker_.refuse(std::move(socket));
}

bool tcp_listener::is_full() const {
  // Each one above the bound ends another, on its own thread.
  auto max = options_.connections_max;
  return connections() > max + max / 8;
}

void tcp_listener::go_on_after(entrance& at, milliseconds pause) {
  at.pause.expires_after(pause);
  at.pause.async_wait([self = shared_from_this(), &at](boost::system::error_code cancelled) {
    if (!cancelled && !self->stopped_)
      self->on_waiting(at);
  });
}

} // namespace nacre
