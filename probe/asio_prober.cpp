#include <utility>

#include "probe/asio_prober.hpp"

#include <algorithm>

#include <pthread.h>
#include <sys/resource.h>

#include "probe/probe_loop.hpp"

namespace nacre {

namespace {

/// The rest is for clients, members and the store.
constexpr rlim_t share_of_descriptors = 8;

std::size_t bounded(std::size_t sockets_max) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return sockets_max;
  return std::min<std::size_t>(sockets_max, limit.rlim_cur / share_of_descriptors);
}

} // namespace

asio_prober::asio_prober(std::size_t sockets_max)
  : loop_(std::make_unique<probe_loop>(bounded(sockets_max))), thread_([this] { loop_->run(); }) {
  pthread_setname_np(thread_.native_handle(), "nacre-probe");
}

asio_prober::~asio_prober() {
  loop_->stop();
  thread_.join();
}

void asio_prober::probe(std::vector<probe_order> orders, const listener& answers) {
  loop_->add(std::move(orders), answers);
}

} // namespace nacre
