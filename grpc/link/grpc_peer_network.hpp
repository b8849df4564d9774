#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/distro/peer_network.hpp"
#include "config/options.hpp"
#include "grpc/link/link_protocol.hpp"
#include "net/io_threads.hpp"

namespace nacre {

/// Reaches the `cluster_server`s of other nodes. A link has a TCP connection of its own, and every
/// `dial` makes a new attempt, whatever became of the last one.
class grpc_peer_network final : public peer_network {
public:
  /// @param threads have to run as long as it is there
  /// @param self `host:port` of this node as the member list has it
  /// @throws std::runtime_error if a TLS file can't be used
  grpc_peer_network(io_threads& threads, const cluster_options& opts, std::string self,
                    const link_limits& limits = {});

  /// Ends all links and waits for their `on_closed`. Not on an I/O thread.
  ~grpc_peer_network() override;

  /// A link closes when nobody holds it any more. `listener` is kept until its `on_closed`, which
  /// comes exactly once.
  std::shared_ptr<peer_link> dial(const std::string& address,
                                  std::shared_ptr<peer_listener> listener) override;

private:
  struct links;
  class handle;

  const std::unique_ptr<links> links_;
};

} // namespace nacre
