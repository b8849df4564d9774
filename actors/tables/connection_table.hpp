#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/base/cell.hpp"
#include "actors/interfaces.hpp"
#include "protocol/message_body.hpp"
#include "protocol/watch_pattern.hpp"

namespace nacre {

/// A request of ours to a client (Nacos `ServerRequest`): name and JSON body.
struct server_request {
  std::string_view type;
  message_body body;
};

/// The link of one connection to its client; given to its actor from the edge. Any thread, never
/// blocks.
class connection_link {
public:
  virtual ~connection_link() = default;

  /// @returns false if too much waits to be written already: `link_drained` follows when it is less
  virtual bool send(server_request request) = 0;

  /// Ends the stream, so that the client connects anew.
  virtual void close(std::string_view why) = 0;
};

/// What is known of a connection from its setup.
struct connection_info {
  /// Unique among all nodes: `<ms>_<ip>_<port>`.
  std::string id;
  /// As the client claims, else as seen.
  std::string client_ip;
  /// `ip:port` of the other end, as seen.
  std::string remote_address;
  std::string remote_ip;
  std::string client_version;
  std::string app;
  std::string tenant;
  metadata_map labels;
  /// Wall clock.
  wall_time connected_at{};
};

/// What a connection publishes and subscribes. Only its actor touches it; it outlives the actor,
/// so that a restarted one goes on where the failed one ended.
struct connection_rows {
  template <class T>
  using by_service = std::unordered_map<service_ref, T, service_ref_hash, service_ref_equal>;

  by_service<publication_ptr> publications;
  by_service<subscriber_ptr> subscriptions;
  struct watch {
    watch_pattern pattern;
    /// What the client was told: `namespace@@group@@service`.
    std::set<std::string> told;
    /// There are more than it may be told of.
    bool overflows = false;
  };
  /// By the pattern's text.
  std::map<std::string, watch> watches;
};

/// One gRPC connection: what its link, its actor and the admin API share.
struct connection {
  connection(connection_info x, std::shared_ptr<connection_link> connected, steady_time now)
    : info(std::move(x)), link(std::move(connected)), active(now) {}

  const connection_info info;
  const std::shared_ptr<connection_link> link;
  /// Last sign of life; set from any thread.
  std::atomic<steady_time> active;
  /// Set before `client_disconnected` is sent, for an actor that is restarted just then.
  std::atomic<bool> ended{false};
  /// Whether the FUZZY WATCH counts it among its watchers.
  std::atomic<bool> watches{false};
  cell<connection_client_actor> actor;
  connection_rows rows;
};

using connection_ptr = std::shared_ptr<connection>;

/// All connections of a node by id. Any thread.
class connection_table {
public:
  enum class admission : std::uint8_t { admitted, too_many, too_many_of_address, no_memory };

  /// Puts `x` in unless there are `max` connections, or `max_per_ip` of its address.
  admission add(const connection_ptr& x, std::size_t max, std::size_t max_per_ip);

  /// Null if there is none.
  connection_ptr find(std::string_view id) const;

  void remove(std::string_view id);

  /// In order of their ids, without a lock.
  std::vector<connection_ptr> all() const;

  template <class F>
  void for_each(F f) const {
    for (auto& x : all())
      f(x);
  }

  std::size_t size() const;

private:
  mutable std::mutex lock_;
  std::map<std::string, connection_ptr, std::less<>> by_id_;
  std::map<std::string, std::size_t> per_ip_;
};

} // namespace nacre
