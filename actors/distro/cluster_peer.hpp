#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/base/cell.hpp"
#include "actors/cluster_interfaces.hpp"
#include "actors/distro/peer_network.hpp"

namespace nacre {

/// What is exchanged with one peer, counted; any thread.
struct peer_counters {
  std::atomic<std::uint64_t> frames_sent{0};
  std::atomic<std::uint64_t> frames_received{0};
  std::atomic<std::uint64_t> frames_dropped{0};
  std::atomic<std::uint64_t> frames_unreadable{0};
  std::atomic<std::uint64_t> bytes_sent{0};
  std::atomic<std::uint64_t> bytes_received{0};
  std::atomic<std::uint64_t> records_sent{0};
  std::atomic<std::uint64_t> records_received{0};
  std::atomic<std::uint64_t> renewals_sent{0};
  std::atomic<std::uint64_t> verifies{0};
  /// Changes that wait for being sent or acknowledged.
  std::atomic<std::size_t> pending{0};
  /// Since when the oldest of them waits.
  std::atomic<steady_time> pending_since{never};
  /// Buckets whose digests differed at the last verify, and since when some did.
  std::atomic<std::size_t> differing{0};
  std::atomic<steady_time> differing_since{never};
  std::atomic<steady_time> verified{never};
};

/// The way to another member: its actors here, the link to it, counters. What is known of the
/// member itself is in the `cluster_view`. Any thread.
class cluster_peer {
public:
  explicit cluster_peer(std::string where) : address(std::move(where)) {}

  const std::string address;

  cell<distro_peer_actor> actor;
  cell<distro_sync_actor> sync;
  cell<distro_verify_actor> verify;
  cell<distro_load_actor> load;
  peer_counters counters;

  /// Whether frames may be sent.
  bool open() const { return link_.get() != nullptr; }

  /// The link that opened, null when it is gone; the one before is closed. By the DISTRO PEER.
  void set_link(std::shared_ptr<peer_link> link);

  /// @returns false if the message is dropped: there is no link, or it is full
  bool send(std::int64_t own_incarnation, cluster_message message);

private:
  cell<std::shared_ptr<peer_link>> link_;
};

using cluster_peer_ptr = std::shared_ptr<cluster_peer>;

/// All other members by address. Any thread.
class peer_directory {
public:
  cluster_peer_ptr find(const std::string& address) const;
  std::vector<cluster_peer_ptr> all() const;
  void add(const cluster_peer_ptr& x);
  void remove(const std::string& address);

private:
  mutable std::mutex lock_;
  std::map<std::string, cluster_peer_ptr> peers_;
};

} // namespace nacre
