#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/connections/connection_client.hpp"
#include "actors/distro/cluster_context.hpp"
#include "tests/kit/deterministic.hpp"
#include "tests/kit/scripted_prober.hpp"
#include "tests/kit/simulated_network.hpp"

namespace nacre::test {

/// Several nodes in one deterministic actor system over a simulated network.
class simulated_cluster : public deterministic {
public:
  struct node {
    std::string address;
    /// Null while the node is down.
    node_context_ptr context;
    std::int64_t wall_offset_ms = 0;
    unsigned starts = 0;
    /// Nothing is probed without one; outlives a crash.
    std::shared_ptr<scripted_prober> prober = {};
    /// Outlives a crash.
    std::shared_ptr<memory_disk> disk = std::make_shared<memory_disk>();
  };

  explicit simulated_cluster(std::uint64_t seed, std::size_t count = 3);
  ~simulated_cluster();

  /// @param members those that it lists; all if none are given
  void start(std::size_t i, const std::vector<std::size_t>& members = {});
  /// A running node lists these from here on.
  void list(std::size_t i, const std::vector<std::size_t>& members);
  /// All nodes; on return they have found each other.
  void start_all();
  /// The process is gone from one moment to the next.
  void crash(std::size_t i);
  /// An orderly stop: peers hear of it.
  void leave(std::size_t i);
  bool up(std::size_t i) const { return nodes[i].context != nullptr; }
  bool ready(std::size_t i) const {
    return up(i) && nodes[i].context->cluster->serves() && nodes[i].context->shows_agreed_state;
  }

  /// Nothing gets from `a` to `b`, until the network heals.
  void cut_way(std::size_t a, std::size_t b) { net->cut(nodes[a].address, nodes[b].address); }
  void cut(std::size_t a, std::size_t b) {
    cut_way(a, b);
    cut_way(b, a);
  }
  /// From all other nodes.
  void isolate(std::size_t i);

  /// Time passes everywhere.
  void run(std::chrono::milliseconds span);

  /// Time passes until `condition()`. @returns whether it came true within `patience`
  template <class Condition>
  bool run_until(Condition condition, std::chrono::milliseconds patience) {
    for (; !condition(); patience -= step_length) {
      if (patience <= 0ms)
        return false;
      run(step_length);
    }
    return true;
  }

  bool all_ready() const;

  static service_ref key(const std::string& name) {
    return make_service_ref({default_namespace, default_group, name});
  }

  /// `ip+` for a healthy instance, `ip-` for an unhealthy one, in order.
  std::string shown(std::size_t i, const std::string& service) const;

  /// Whether every node that is up shows `wanted`.
  bool all_show(const std::string& service, const std::string& wanted) const;

  /// Whether the living records of all nodes are the same, by digest.
  bool agree() const;

  // -- clients ----------------------------------------------------------------------------------

  pending_write register_instance(std::size_t i, const std::string& service, const std::string& ip,
                                  metadata_map metadata = {}, bool ephemeral = true);
  pending_write deregister(std::size_t i, const std::string& service, const std::string& ip,
                           bool ephemeral = true);
  /// @returns false if the client has to register again
  bool beat(std::size_t i, const std::string& service, const std::string& ip);

  /// A link whose client acknowledges everything.
  struct test_link final : connection_link {
    explicit test_link(simulated_cluster& x) : cluster(x) {}
    bool send(server_request request) override;
    void close(std::string_view) override {}
    simulated_cluster& cluster;
    /// The connection it belongs to; gone after a crash of its node.
    std::weak_ptr<connection> of;
    /// Last list that was pushed of each service: `ip` in order, and its time.
    std::map<std::string, std::pair<std::int64_t, std::string>> pushed;
    /// Times of lists went back, or repeated with other content.
    bool went_back = false;
  };

  struct client {
    std::size_t at = 0;
    connection_ptr connection;
    std::shared_ptr<test_link> link;
  };

  client connect(std::size_t i);
  void disconnect(client& x) { end_connection(x.connection, change_reason::connection_closed); }
  pending_write publish(client& x, const std::string& service, const std::string& ip);
  pending_write publish(client& x, const std::string& service, instance_list what);
  pending_write withdraw(client& x, const std::string& service);
  pending_write subscribe(client& x, const std::string& service);

  std::vector<node> nodes;
  std::shared_ptr<simulated_network> net;
  options node_options = warm();

  static constexpr auto step_length = std::chrono::milliseconds(50);

private:
  std::vector<std::string> addresses(const std::vector<std::size_t>& members) const;

  std::uint64_t connections_ = 0;
};

} // namespace nacre::test
