#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/distro/peer_network.hpp"

namespace nacre::test {

/// The network between the nodes of a simulated cluster, in virtual time: frames are delayed, lost,
/// doubled and overtaken, directions are cut, machines refuse. Everything follows from a seed.
class simulated_network : public std::enable_shared_from_this<simulated_network> {
public:
  struct faults {
    double loss = 0;
    double doubled = 0;
    std::int64_t delay_min_ms = 0;
    std::int64_t delay_max_ms = 0;
  };

  /// Takes a frame of `from`.
  using receiver = std::function<void(const std::string& from, std::string frame)>;

  explicit simulated_network(std::mt19937_64& rng) : rng_(rng) {}

  faults now;

  /// A node listens at `address` until `stop`.
  void listen(const std::string& address, receiver to);
  void stop(const std::string& address);

  /// Nothing gets from `from` to `to` any more.
  void cut(const std::string& from, const std::string& to) { cut_.insert({from, to}); }
  void heal() { cut_.clear(); }
  bool passes(const std::string& from, const std::string& to) const {
    return !cut_.contains({from, to});
  }

  /// What node `from` is given as its network.
  std::shared_ptr<peer_network> of(const std::string& from);

  /// Lets everything happen that is due.
  void run(std::int64_t now_ms);

  std::uint64_t frames() const { return frames_; }

private:
  friend class simulated_link;
  struct cable {
    std::uint64_t number = 0;
    std::string from;
    std::string to;
    std::shared_ptr<peer_listener> listener;
    bool open = false;
    bool closed = false;
    /// Of frames on their way.
    std::size_t waiting_bytes = 0;
    /// Since when it can't carry anything; -1 while it can.
    std::int64_t dead_since_ms = -1;
  };
  using cable_ptr = std::shared_ptr<cable>;

  class endpoint;

  bool both_ways(const cable& x) const { return passes(x.from, x.to) && passes(x.to, x.from); }
  void schedule(std::int64_t after_ms, std::function<void()> what);
  std::int64_t delay();
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(rng_) < p; }
  cable_ptr dial(const std::string& from, const std::string& to,
                 std::shared_ptr<peer_listener> listener);
  void try_open(const cable_ptr& x);
  bool send(const cable_ptr& x, std::string frame);
  void close(const cable_ptr& x, bool refused, const std::string& why);
  std::vector<cable_ptr> cables() const;
  void check_cables();

  std::mt19937_64& rng_;
  std::int64_t now_ms_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t frames_ = 0;
  std::map<std::pair<std::int64_t, std::uint64_t>, std::function<void()>> events_;
  std::map<std::string, receiver> nodes_;
  std::set<std::pair<std::string, std::string>> cut_;
  /// In the order they were dialled: the order of pointers is not the same in every run.
  std::map<std::uint64_t, cable_ptr> cables_;
};

} // namespace nacre::test
