#include "tests/kit/simulated_network.hpp"

#include "grpc/link/link_protocol.hpp"

namespace nacre::test {

namespace {

/// What TCP and keep-alives take to notice that nothing passes.
constexpr std::int64_t dead_cable_ms = 10'000;

constexpr std::int64_t dial_timeout_ms = 2'000;

} // namespace

/// A node's end of one cable.
class simulated_link final : public peer_link {
public:
  simulated_link(std::shared_ptr<simulated_network> net, simulated_network::cable_ptr x)
    : net_(std::move(net)), cable_(std::move(x)) {}

  bool send(std::string frame) override { return net_->send(cable_, std::move(frame)); }

  void close() override {
    cable_->listener = nullptr;
    net_->close(cable_, false, "closed");
  }

private:
  std::shared_ptr<simulated_network> net_;
  simulated_network::cable_ptr cable_;
};

/// A node's view of the network.
class simulated_network::endpoint final : public peer_network {
public:
  endpoint(std::shared_ptr<simulated_network> net, std::string self)
    : net_(std::move(net)), self_(std::move(self)) {}

  std::shared_ptr<peer_link> dial(const std::string& address,
                                  std::shared_ptr<peer_listener> listener) override {
    return std::make_shared<simulated_link>(net_, net_->dial(self_, address, std::move(listener)));
  }

private:
  std::shared_ptr<simulated_network> net_;
  std::string self_;
};

std::shared_ptr<peer_network> simulated_network::of(const std::string& from) {
  return std::make_shared<endpoint>(shared_from_this(), from);
}

void simulated_network::listen(const std::string& address, receiver to) {
  nodes_[address] = std::move(to);
}

void simulated_network::stop(const std::string& address) {
  nodes_.erase(address);
  for (auto& x : cables()) {
    if (x->from == address) {
      x->listener = nullptr; // its own process is gone, and hears nothing
      close(x, false, "the node ended");
    } else if (x->to == address) {
      schedule(delay(), [this, x] {
        if (both_ways(*x))
          close(x, false, "reset by peer");
      });
    }
  }
}

void simulated_network::schedule(std::int64_t after_ms, std::function<void()> what) {
  events_.emplace(std::pair(now_ms_ + after_ms, ++order_), std::move(what));
}

std::int64_t simulated_network::delay() {
  return std::uniform_int_distribution<std::int64_t>(now.delay_min_ms, now.delay_max_ms)(rng_);
}

simulated_network::cable_ptr simulated_network::dial(const std::string& from, const std::string& to,
                                                     std::shared_ptr<peer_listener> listener) {
  auto x = std::make_shared<cable>();
  x->from = from;
  x->to = to;
  x->listener = std::move(listener);
  x->number = ++order_;
  cables_.emplace(x->number, x);
  if (both_ways(*x))
    schedule(1 + 2 * delay(), [this, x] { try_open(x); });
  else
    schedule(dial_timeout_ms, [this, x] { close(x, false, "timed out"); });
  return x;
}

void simulated_network::try_open(const cable_ptr& x) {
  if (x->closed)
    return;
  if (!both_ways(*x))
    return schedule(dial_timeout_ms, [this, x] { close(x, false, "timed out"); });
  if (!nodes_.contains(x->to))
    return close(x, true, "connection refused");
  x->open = true;
  if (x->listener)
    x->listener->on_open();
}

bool simulated_network::send(const cable_ptr& x, std::string frame) {
  if (!x->open || x->closed || frame.size() > frame_bytes_max
      || x->waiting_bytes + frame.size() > link_limits().waiting_bytes_max)
    return false;
  ++frames_;
  if (!passes(x->from, x->to) || chance(now.loss))
    return true; // on its way, and never there
  for (int copies = chance(now.doubled) ? 2 : 1; copies > 0; --copies) {
    x->waiting_bytes += frame.size();
    schedule(delay(), [this, x, frame] {
      x->waiting_bytes -= frame.size();
      auto to = nodes_.find(x->to);
      if (!x->closed && to != nodes_.end() && passes(x->from, x->to))
        to->second(x->from, frame);
    });
  }
  return true;
}

void simulated_network::close(const cable_ptr& x, bool refused, const std::string& why) {
  if (std::exchange(x->closed, true))
    return;
  x->open = false;
  cables_.erase(x->number);
  if (auto listener = std::exchange(x->listener, nullptr))
    listener->on_closed(refused, why);
}

std::vector<simulated_network::cable_ptr> simulated_network::cables() const {
  std::vector<cable_ptr> copy;
  for (auto& [number, x] : cables_)
    copy.push_back(x);
  return copy;
}

/// A cable that carries nothing for long ends.
void simulated_network::check_cables() {
  for (auto& x : cables()) {
    if (!x->open)
      continue;
    if (both_ways(*x) && nodes_.contains(x->to))
      x->dead_since_ms = -1;
    else if (x->dead_since_ms < 0)
      x->dead_since_ms = now_ms_;
    else if (now_ms_ - x->dead_since_ms >= dead_cable_ms)
      close(x, false, "keep-alive timed out");
  }
}

void simulated_network::run(std::int64_t now_ms) {
  now_ms_ = now_ms;
  while (!events_.empty() && events_.begin()->first.first <= now_ms_) {
    auto what = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    what();
  }
  check_cables();
}

} // namespace nacre::test
