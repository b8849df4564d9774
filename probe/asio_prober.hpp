#pragma once

#include <cstddef>
#include <memory>
#include <thread>

#include "actors/base/prober.hpp"

namespace nacre {

class probe_loop;

/// Asks targets through sockets of this process, all on one thread of its own. Listeners are
/// called on that thread, with all that came within about a millisecond, and should be quick.
class asio_prober final : public prober {
public:
  /// `sockets_max`: how many are open at once; orders beyond wait in order. No more than an eighth
  /// of the descriptors that the process may have.
  explicit asio_prober(std::size_t sockets_max = 1024);

  /// Ends all that is under way, without answers. Not to be called by a listener.
  ~asio_prober() override;

  asio_prober(const asio_prober&) = delete;
  asio_prober& operator=(const asio_prober&) = delete;

  void probe(std::vector<probe_order> orders, const listener& answers) override;

private:
  std::unique_ptr<probe_loop> loop_;
  std::thread thread_;
};

} // namespace nacre
