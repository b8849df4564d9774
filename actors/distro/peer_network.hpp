#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace nacre {

/// What a DISTRO PEER hears from its link. Any thread.
class peer_listener {
public:
  virtual ~peer_listener() = default;

  /// Both sides have proved who they are; frames may be sent.
  virtual void on_open() = 0;

  /// The link ended or never came about; the last call.
  /// @param refused the peer's machine answered that nobody listens there
  virtual void on_closed(bool refused, const std::string& why) = 0;
};

/// A one-way link to a peer: frames arrive there in order, or not at all. Any thread, never blocks.
class peer_link {
public:
  virtual ~peer_link() = default;

  /// @returns false if the frame is dropped: the link is not open, or too much waits in it already
  virtual bool send(std::string frame) = 0;

  /// Ends the link; `on_closed` may follow or not.
  virtual void close() = 0;
};

/// How a node reaches its peers; gRPC in a process, simulated in tests. What peers send arrives by
/// `receive_frame`.
class peer_network {
public:
  virtual ~peer_network() = default;

  /// Begins to connect to `address` (`host:port`, the main port of the peer).
  virtual std::shared_ptr<peer_link> dial(const std::string& address,
                                          std::shared_ptr<peer_listener> listener) = 0;
};

struct node_context;

/// Whether `address` is a member that frames are taken from. Any thread.
bool knows_peer(const node_context& context, const std::string& address);

/// A peer's frame arrived; `from` is the `host:port` that it proved to be. Any thread.
/// @returns false if nobody takes it: the peer is no member any more
bool receive_frame(const node_context& context, const std::string& from, std::string frame);

} // namespace nacre
