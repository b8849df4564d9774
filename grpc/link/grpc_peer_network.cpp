#include <utility>

#include "grpc/link/grpc_peer_network.hpp"

#include <condition_variable>
#include <mutex>
#include <set>

#include "grpc/link/dialed_link.hpp"

namespace nacre {

namespace {

http2_limits dial_limits(const link_limits& limits) {
  http2_limits x;
  x.message_bytes_max = x.partial_bytes_max = link_message_bytes_max;
  x.handshake_patience = std::min(limits.handshake_patience, limits.connect_patience);
  x.keepalive_time = limits.keepalive_time;
  x.keepalive_timeout = limits.keepalive_timeout;
  return x;
}

} // namespace

/// The links of the network, and what serves them on each I/O thread.
struct grpc_peer_network::links {
  links(io_threads& io, std::shared_ptr<const dial_settings> common_settings)
    : threads(io),
      settings(std::move(common_settings)),
      common(dial_limits(settings->limits), counters) {
    for (std::size_t i = 0; i < io.size(); ++i)
      workers.push_back(std::make_unique<http2_worker>(io.at(i), common));
    io.on_each([this](std::size_t i) { workers[i]->start(); });
  }

  /// A link is over; on its thread.
  void retire(const dialed_link& link) {
    std::lock_guard guard(lock);
    std::erase_if(all, [&](auto& x) { return x.get() == &link; });
    retired.notify_all();
  }

  void close_all() {
    std::unique_lock guard(lock);
    auto open = all;
    guard.unlock();
    for (auto& x : open)
      x->end("the node stops");
    open.clear();
    guard.lock();
    retired.wait(guard, [this] { return all.empty(); });
    guard.unlock();
    threads.end_on_each([this](std::size_t i) { return workers[i]->end_all(); });
  }

  io_threads& threads;
  const std::shared_ptr<const dial_settings> settings;
  port_counters counters;
  http2_common common;
  std::vector<std::unique_ptr<http2_worker>> workers;
  std::mutex lock;
  std::condition_variable retired;
  std::set<std::shared_ptr<dialed_link>> all;
  std::size_t next_worker = 0;
};

/// What an actor holds: the link ends with it.
class grpc_peer_network::handle final : public peer_link {
public:
  explicit handle(std::shared_ptr<dialed_link> link) : link_(std::move(link)) {}
  ~handle() override { close(); }

  bool send(std::string frame) override { return link_->send_frame(std::move(frame)); }
  void close() override { link_->end("closed by this node"); }

private:
  const std::shared_ptr<dialed_link> link_;
};

grpc_peer_network::grpc_peer_network(io_threads& threads, const cluster_options& opts,
                                     std::string self, const link_limits& limits)
  : links_(std::make_unique<links>(threads, std::make_shared<const dial_settings>(dial_settings{
                                              {opts.identity_key, opts.identity_value},
                                              std::move(self),
                                              limits,
                                              client_tls(tls_files_of(opts))}))) {}

grpc_peer_network::~grpc_peer_network() { links_->close_all(); }

std::shared_ptr<peer_link> grpc_peer_network::dial(const std::string& address,
                                                   std::shared_ptr<peer_listener> listener) {
  std::shared_ptr<dialed_link> link;
  {
    std::lock_guard guard(links_->lock);
    auto& worker = *links_->workers[links_->next_worker++ % links_->workers.size()];
    link = std::make_shared<dialed_link>(
      links_->settings, worker, address, std::move(listener),
      [all = links_.get()](const dialed_link& done) { all->retire(done); });
    links_->all.insert(link);
  }
  link->start();
  return std::make_shared<handle>(std::move(link));
}

} // namespace nacre
