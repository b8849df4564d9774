// Several nodes as one registry, in virtual time, without faults and with one fault at a time.
#include "tests/simulated_cluster.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

/// A cluster whose nodes have found each other.
class running_cluster : public simulated_cluster {
public:
  explicit running_cluster(std::uint64_t seed = 1, std::size_t count = 3)
    : simulated_cluster(seed, count) {
    for (std::size_t i = 0; i < count; ++i)
      start(i);
    REQUIRE(run_until([this] { return all_ready(); }, 10s));
    run(2s);
  }

  /// The node that judges a client that beats.
  std::size_t judge_of(const std::string& ip) {
    auto judge = nodes[first_up()].context->cluster->now()->judge_of(
      {ip, 80, client_kind::ephemeral});
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].address == judge)
        return i;
    FAIL("nobody judges");
    return 0;
  }

  std::size_t first_up() const {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (up(i))
        return i;
    return 0;
  }

  /// An ip that node `i` judges.
  std::string ip_judged_by(std::size_t i) {
    for (int n = 1;; ++n)
      if (auto ip = "1.1.1." + std::to_string(n); judge_of(ip) == i)
        return ip;
  }
};

} // namespace

TEST_CASE("what is registered on one node is found on all, at once") {
  running_cluster cluster;
  auto done = cluster.register_instance(0, "s", "1.1.1.1");
  cluster.run(100ms);
  CHECK(done.code() == ec::none);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == "1.1.1.1+");
  cluster.deregister(2, "s", "1.1.1.1");
  cluster.run(1100ms); // a second change of the client within a second waits for its end
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s").empty());
  CHECK(cluster.agree());
}

TEST_CASE("the same registration again causes no traffic") {
  running_cluster cluster;
  cluster.register_instance(0, "s", "1.1.1.1");
  cluster.run(2s);
  auto sent = [&] {
    std::uint64_t n = 0;
    for (auto& node : cluster.nodes)
      for (auto& peer : node.context->cluster->peers.all())
        n += peer->counters.records_sent;
    return n;
  };
  auto before = sent();
  for (std::size_t i = 0; i < 3; ++i)
    cluster.register_instance(i, "s", "1.1.1.1");
  cluster.run(2s);
  CHECK(sent() == before);
}

TEST_CASE("beats may go to any node; when they stop, the client goes everywhere after its terms") {
  running_cluster cluster;
  cluster.register_instance(0, "s", "1.1.1.1");
  cluster.register_instance(1, "s", "1.1.1.2");
  for (int beat = 0; beat < 20; ++beat) {
    cluster.run(5s);
    CHECK(cluster.beat(static_cast<std::size_t>(beat % 3), "s", "1.1.1.1"));
    if (beat < 2)
      CHECK(cluster.beat(2, "s", "1.1.1.2"));
  }
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == "1.1.1.1+");
  cluster.run(17s);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == "1.1.1.1-");
  cluster.run(15s);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s").empty());
  CHECK(cluster.agree());
}

TEST_CASE("a beat of an unhealthy client heals it on all nodes, wherever it arrives") {
  running_cluster cluster;
  cluster.register_instance(0, "s", "1.1.1.1");
  cluster.run(17s);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == "1.1.1.1-");
  CHECK(cluster.beat((cluster.judge_of("1.1.1.1") + 1) % 3, "s", "1.1.1.1"));
  cluster.run(1500ms);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == "1.1.1.1+");
}

TEST_CASE("what a connection publishes is everywhere, and goes with it") {
  running_cluster cluster;
  auto a = cluster.connect(1);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(100ms);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == "2.2.2.2+");
  cluster.run(2s);
  cluster.disconnect(a);
  cluster.run(100ms);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s").empty());
}

TEST_CASE("a node that starts has everything before it is ready") {
  running_cluster cluster;
  for (int i = 1; i <= 50; ++i)
    cluster.register_instance(0, "s" + std::to_string(i % 5), "1.1.1." + std::to_string(i));
  auto a = cluster.connect(1);
  cluster.publish(a, "s0", "2.2.2.2");
  cluster.run(3s);
  cluster.crash(2);
  cluster.run(1s);
  cluster.start(2);
  CHECK_FALSE(cluster.ready(2));
  REQUIRE(cluster.run_until([&] { return cluster.ready(2); }, 3s));
  for (int i = 0; i < 5; ++i)
    CHECK(cluster.shown(2, "s" + std::to_string(i)) == cluster.shown(0, "s" + std::to_string(i)));
}

TEST_CASE("clients of a node that is lost for sure beat elsewhere; its connections go after 15 s") {
  running_cluster cluster;
  auto ip = cluster.ip_judged_by(2);
  cluster.register_instance(2, "s", ip);
  auto a = cluster.connect(2);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(3s);
  cluster.crash(2);
  for (int i = 0; i < 12; ++i) {
    cluster.run(1s);
    if (i % 5 == 0)
      cluster.beat(0, "s", ip);
    CHECK(cluster.shown(0, "s") == ip + "+ 2.2.2.2+");
  }
  cluster.beat(1, "s", ip);
  cluster.run(6s);
  CHECK(cluster.shown(0, "s") == ip + "+");
  CHECK(cluster.shown(1, "s") == ip + "+");
}

TEST_CASE("the connections of a silent node stay for 180 s") {
  running_cluster cluster;
  auto a = cluster.connect(2);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(3s);
  for (std::size_t i = 0; i < 2; ++i) {
    cluster.net->cut(cluster.nodes[2].address, cluster.nodes[i].address);
    cluster.net->cut(cluster.nodes[i].address, cluster.nodes[2].address);
  }
  cluster.run(170s);
  CHECK(cluster.shown(0, "s") == "2.2.2.2+");
  cluster.run(15s);
  CHECK(cluster.shown(0, "s").empty());
  CHECK(cluster.shown(2, "s") == "2.2.2.2+");
  cluster.net->heal();
  cluster.run(6s);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == "2.2.2.2+");
}

TEST_CASE("a node that leaves hands over: nothing is missing before its clients are back") {
  running_cluster cluster;
  auto a = cluster.connect(2);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(3s);
  cluster.leave(2);
  cluster.run(3s);
  CHECK(cluster.shown(0, "s") == "2.2.2.2+");
  CHECK(cluster.nodes[0].context->cluster->now()->ring().ring().size() == 2);
  auto b = cluster.connect(0);
  cluster.publish(b, "s", "2.2.2.2");
  cluster.run(14s);
  CHECK(cluster.shown(0, "s") == "2.2.2.2+");
  CHECK(cluster.nodes[0].context->cluster->replicas.alive() == 1);
}

TEST_CASE("two nodes that can't reach each other stay members of one ring by a third one's word") {
  running_cluster cluster;
  auto ip = cluster.ip_judged_by(0);
  cluster.register_instance(1, "s", ip);
  cluster.run(2s);
  cluster.net->cut(cluster.nodes[0].address, cluster.nodes[1].address);
  cluster.net->cut(cluster.nodes[1].address, cluster.nodes[0].address);
  for (int i = 0; i < 30; ++i) {
    cluster.run(5s);
    CHECK(cluster.beat(1, "s", ip)); // its judge hears of it by way of the third
    for (std::size_t n = 0; n < 3; ++n) {
      CHECK(cluster.shown(n, "s") == ip + "+");
      CHECK(cluster.nodes[n].context->cluster->now()->ring().ring().size() == 3);
    }
  }
}

TEST_CASE("both sides of a partition keep their clients, and agree after it") {
  running_cluster cluster;
  for (int n = 1; n <= 6; ++n)
    cluster.register_instance(static_cast<std::size_t>(n % 3), "s", "1.1.1." + std::to_string(n));
  cluster.run(2s);
  auto all = cluster.shown(0, "s");
  for (std::size_t i : {1, 2}) {
    cluster.net->cut(cluster.nodes[0].address, cluster.nodes[i].address);
    cluster.net->cut(cluster.nodes[i].address, cluster.nodes[0].address);
  }
  for (int i = 0; i < 20; ++i) {
    cluster.run(5s);
    for (int n = 1; n <= 6; ++n)
      CHECK(cluster.beat(n <= 3 ? 0 : 1 + static_cast<std::size_t>(n % 2), "s",
                         "1.1.1." + std::to_string(n)));
  }
  cluster.register_instance(0, "s", "1.1.1.7");
  cluster.register_instance(1, "s", "1.1.1.8");
  cluster.net->heal();
  cluster.run(5s);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == all + " 1.1.1.7+ 1.1.1.8+");
  CHECK(cluster.agree());
}

TEST_CASE("a client that lost its node and came back elsewhere has no ghost there") {
  running_cluster cluster;
  auto a = cluster.connect(2);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(3s);
  cluster.crash(2);
  cluster.run(2s);
  auto b = cluster.connect(0);
  cluster.publish(b, "s", "2.2.2.2");
  cluster.run(2s);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(cluster.nodes[i].context->cluster->replicas.alive() == 1);
  cluster.withdraw(b, "s");
  cluster.run(2s);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(cluster.shown(i, "s").empty());
}

TEST_CASE("a node that dies again and again does not keep the clients of its first life") {
  running_cluster cluster;
  auto a = cluster.connect(2);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(3s);
  for (int i = 0; i < 3; ++i) {
    cluster.crash(2);
    cluster.run(1s);
    cluster.start(2);
    cluster.run(6s);
  }
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(cluster.shown(i, "s").empty());
}

TEST_CASE("a node that stood still is not ready before it has loaded again, and loses nothing") {
  running_cluster cluster;
  cluster.register_instance(0, "s", "1.1.1.1");
  auto a = cluster.connect(1);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(2s);
  cluster.sched.clock().advance_time(40s); // all of them at once: nobody has more than another
  cluster.settle();
  CHECK_FALSE(cluster.ready(0));
  REQUIRE(cluster.run_until([&] { return cluster.all_ready(); }, 5s));
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "s") == "1.1.1.1+ 2.2.2.2+");
}
