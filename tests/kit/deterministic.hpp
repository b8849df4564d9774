#pragma once

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <doctest/doctest.h>

#include "actors/naming/commands.hpp"
#include "actors/node/node.hpp"
#include "tests/kit/memory_disk.hpp"
#include "tests/kit/times.hpp"

namespace nacre::test {

using namespace std::chrono_literals;

/// One thread, virtual time, interleaving of messages from a seed.
class deterministic {
public:
  explicit deterministic(std::uint64_t seed = 1) : rng(seed) {}

  ~deterministic() {
    sched.clock().cancel_all(); // a delayed message keeps its receiver alive
    settle();
    CHECK_MESSAGE(sys.registry().running() == 1, "actors outlive the test"); // 1 is `self`
    sys.await_actors_before_shutdown(false);
  }

  /// Delivers one message of an actor chosen by the seed. @returns whether there was one
  bool step() {
    if (sched.jobs.empty())
      return false;
    std::swap(sched.jobs.front(), sched.jobs[rng() % sched.jobs.size()]);
    return sched.try_run_once();
  }

  /// Delivers until every mailbox is empty; never moves the clock.
  void settle() {
    while (step()) {
    }
  }

  /// Moves the clock in small steps: after one big jump a re-armed timer would fire only once.
  void advance(std::chrono::milliseconds span, std::chrono::milliseconds by = 100ms) {
    for (settle(); span > 0ms; span -= by, settle())
      sched.clock().advance_time(by);
  }

  steady_time now() { return at(now_ms()); }

  std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
             sched.clock().now().time_since_epoch())
      .count();
  }

  caf::actor_system_config cfg;
  caf::actor_system sys{cfg.set("scheduler.policy", caf::atom("testing"))};
  caf::scoped_actor self{sys};
  caf::scheduler::test_coordinator& sched = dynamic_cast<decltype(sched)>(sys.scheduler());
  std::mt19937_64 rng;
};

/// Remembers the outcome of a write.
class recorded_ticket final : public ticket {
public:
  explicit recorded_ticket(std::shared_ptr<std::vector<outcome>> into) : into_(std::move(into)) {}
  ~recorded_ticket() override { complete_if_dropped(); }

private:
  void deliver(outcome result) override { into_->push_back(std::move(result)); }
  std::shared_ptr<std::vector<outcome>> into_;
};

/// A write under way: `done()` once it was answered.
struct pending_write {
  std::shared_ptr<std::vector<outcome>> results = std::make_shared<std::vector<outcome>>();

  ticket_ptr ticket() const { return std::make_shared<recorded_ticket>(results); }
  bool done() const { return !results->empty(); }
  ec code() const { return results->at(0).code; }
};

/// Tells at once what comes out.
class called_ticket final : public ticket {
public:
  explicit called_ticket(std::function<void(const outcome&)> f) : f_(std::move(f)) {}
  ~called_ticket() override { complete_if_dropped(); }

private:
  void deliver(outcome result) override { f_(result); }

  std::function<void(const outcome&)> f_;
};

/// A network whose datagrams arrive in a list.
struct recording_sink final : datagram_sink {
  struct datagram {
    std::string ip;
    std::uint16_t port;
    std::shared_ptr<const std::string> bytes;
  };

  void send(const std::string& ip, std::uint16_t port,
            std::shared_ptr<const std::string> bytes) override {
    sent.push_back({ip, port, std::move(bytes)});
  }

  std::vector<datagram> sent;
};

/// Options of a node whose clients are all back: nobody waits for them.
inline options warm(options opts = {}) {
  opts.push.warm_up = 0ms;
  return opts;
}

/// A whole node in virtual time.
class node_fixture : public deterministic {
public:
  explicit node_fixture(std::uint64_t seed = 1, options opts = warm(), std::size_t shards = 3,
                        std::shared_ptr<memory_disk> kept = std::make_shared<memory_disk>())
    : deterministic(seed),
      disk(std::move(kept)),
      context(std::make_shared<node_context>(std::move(opts), shards, clocks())) {
    context->datagrams = sink;
    context->disk = disk;
    context->life = ++disk->lives << 32;
    spawn_node(sys, context);
    settle();
  }

  clock_source clocks() {
    return {[this] { return wall_at(1'700'000'000'000 + now_ms()); }, [this] { return now(); }};
  }

  ~node_fixture() {
    caf::anon_send_exit(context->actors.node.get(), caf::exit_reason::user_shutdown);
    settle();
    context->datagrams = nullptr;
    // Handles in the context keep ended actors' memory; the system counts only running ones.
  }

  pending_write register_instance(const std::string& service, const std::string& ip,
                                  metadata_map metadata = {}, bool ephemeral = true) {
    instance what;
    what.ip = ip;
    what.port = 80;
    what.ephemeral = ephemeral;
    what.metadata = std::move(metadata);
    pending_write write;
    naming::register_instance(*context, key(service), std::move(what), {}, write.ticket());
    return write;
  }

  pending_write deregister(const std::string& service, const std::string& ip,
                           bool ephemeral = true) {
    instance what;
    what.ip = ip;
    what.port = 80;
    what.ephemeral = ephemeral;
    pending_write write;
    naming::deregister_instance(*context, key(service), what, {}, write.ticket());
    return write;
  }

  /// @returns false if the client has to register again
  bool beat(const std::string& service, const std::string& ip) {
    auto nobody = [](const renewal_result&) { return nullptr; };
    return naming::beat(*context, key(service), {ip, 80}, nobody).state != renewal::unknown;
  }

  /// As a client that asks for its own address.
  void subscribe(const std::string& service, const std::string& ip, std::uint16_t port = 5000) {
    context->tables.targets.prove(ip, context->clock.steady());
    subscribe_unproved(service, ip, port);
  }

  /// As somebody who names an address.
  void subscribe_unproved(const std::string& service, const std::string& ip,
                          std::uint16_t port = 5000) {
    naming::subscribe(*context, key(service)->view(), {ip, port}, "",
                      {"", "Nacos-Java-Client:v1.4.8"});
  }

  static service_ref key(const std::string& name) {
    return make_service_ref({default_namespace, default_group, name});
  }

  service_view_ptr find(const std::string& service) const {
    return context->tables.directory.find(key(service)->view());
  }

  /// `ip+` for a healthy instance, `ip-` for an unhealthy one, in order.
  std::string shown(const std::string& service) const {
    std::string text;
    if (auto view = find(service))
      view->for_each_instance([&](const publication&, const instance& x) {
        text += (text.empty() ? "" : " ") + x.ip + (x.healthy ? '+' : '-');
      });
    return text;
  }

  /// Another node may go on with it.
  std::shared_ptr<memory_disk> disk;
  node_context_ptr context;
  std::shared_ptr<recording_sink> sink = std::make_shared<recording_sink>();
};

/// Runs `check(seed)` under many seeds: `$SEEDS` of them (else `count`), from `$SEED` on (1). A
/// failure names its seed.
template <class Check>
void under_seeds(Check check, std::uint64_t count = 1000) {
  auto number = [](const char* name, std::uint64_t otherwise) {
    auto text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
  };
#ifdef __SANITIZE_ADDRESS__
  count = (count + 4) / 5; // each takes several times as long; a build without runs them all
#endif
  auto first = number("SEED", 1);
  count = number("SEEDS", count);
  for (auto seed = first; seed < first + count; ++seed) {
    CAPTURE(seed);
    check(seed);
  }
}

} // namespace nacre::test
