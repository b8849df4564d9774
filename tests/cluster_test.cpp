// Several nodes as one registry, in virtual time, without faults and with one fault at a time.
#include "tests/kit/simulated_cluster.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

/// A cluster whose nodes have found each other.
class running_cluster : public simulated_cluster {
public:
  explicit running_cluster(std::uint64_t seed = 1, std::size_t count = 3)
    : simulated_cluster(seed, count) {
    start_all();
  }

  /// The node that is responsible for a client that beats.
  std::size_t responsible_for(const std::string& ip) {
    auto responsible =
      nodes[first_up()].context->cluster->now()->responsible_for({ip, 80, client_kind::ephemeral});
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].address == responsible)
        return i;
    FAIL("nobody is responsible");
    return 0;
  }

  std::size_t first_up() const {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (up(i))
        return i;
    return 0;
  }

  /// What node `i` knows of the client's beats; null if nothing.
  lease_ptr lease(std::size_t i, const std::string& service, const std::string& ip) {
    auto view = nodes[i].context->tables.directory.find(key(service)->view());
    auto row = view ? view->publications.find(client_id{ip, 80}) : nullptr;
    return row ? (*row)->lease : nullptr;
  }

  /// An ip that node `i` is responsible for.
  std::string ip_of(std::size_t i) {
    for (int n = 1;; ++n)
      if (auto ip = "1.1.1." + std::to_string(n); responsible_for(ip) == i)
        return ip;
  }
};

} // namespace

TEST_CASE("what is registered on one node is found on all, at once") {
  running_cluster cluster;
  auto done = cluster.register_instance(0, "s", "1.1.1.1");
  cluster.run(100ms);
  CHECK(done.code() == ec::none);
  CHECK(cluster.all_show("s", "1.1.1.1+"));
  cluster.deregister(2, "s", "1.1.1.1");
  cluster.run(1100ms); // a second change of the client within a second waits for its end
  CHECK(cluster.all_show("s", ""));
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
  CHECK(cluster.all_show("s", "1.1.1.1+"));
  cluster.run(17s);
  CHECK(cluster.all_show("s", "1.1.1.1-"));
  cluster.run(15s);
  CHECK(cluster.all_show("s", ""));
  CHECK(cluster.agree());
}

TEST_CASE("a beat of an unhealthy client heals it on all nodes, wherever it arrives") {
  running_cluster cluster;
  cluster.register_instance(0, "s", "1.1.1.1");
  cluster.run(17s);
  CHECK(cluster.all_show("s", "1.1.1.1-"));
  CHECK(cluster.beat((cluster.responsible_for("1.1.1.1") + 1) % 3, "s", "1.1.1.1"));
  cluster.run(1500ms);
  CHECK(cluster.all_show("s", "1.1.1.1+"));
}

TEST_CASE("who registers as unhealthy again and again stays so on all nodes, whoever hears him") {
  running_cluster cluster;
  for (std::size_t at = 0; at < 3; ++at) {
    instance what;
    what.ip = "1.1.1.1";
    what.port = 80;
    what.healthy = false;
    pending_write write;
    naming::register_instance(*cluster.nodes[at].context, cluster.key("s"), what, {},
                              write.ticket());
    cluster.run(2s);
    CHECK(write.code() == ec::none);
    CHECK(cluster.all_show("s", "1.1.1.1-"));
  }
}

TEST_CASE("what was never here is remembered as taken back, unless memory is short") {
  running_cluster cluster;
  auto remembered = [&](std::size_t i) {
    return cluster.nodes[i].context->cluster->replicas.size();
  };
  auto first = cluster.deregister(0, "s", "1.1.1.1");
  cluster.run(100ms);
  CHECK(first.code() == ec::none);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(remembered(i) == 1);
  auto& memory = cluster.nodes[0].context->tables.memory;
  memory.observe(static_cast<std::size_t>(memory.max()));
  auto second = cluster.deregister(0, "s", "1.1.1.2");
  cluster.run(100ms);
  CHECK(second.code() == ec::none);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(remembered(i) == 1);
}

TEST_CASE("what a connection publishes is everywhere, and goes with it") {
  running_cluster cluster;
  auto a = cluster.connect(1);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(100ms);
  CHECK(cluster.all_show("s", "2.2.2.2+"));
  cluster.run(2s);
  cluster.disconnect(a);
  cluster.run(100ms);
  CHECK(cluster.all_show("s", ""));
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

TEST_CASE("what is published is told in messages of a size that a link takes, however much it is") {
  running_cluster cluster;
  auto a = cluster.connect(0);
  instance large;
  large.ip = "2.2.2.2";
  large.port = 80;
  auto publish = [&](const std::string& service, std::size_t bytes) {
    large.metadata = metadata_map{{"k", std::string(bytes, 'x')}};
    return cluster.publish(a, service, instance_list{large});
  };
  std::vector<pending_write> writes;
  for (int i = 0; i < 40; ++i)
    writes.push_back(publish("s" + std::to_string(i), 500'000));
  for (int i = 0; i < 6; ++i) // more than a link holds at once
    writes.push_back(publish("whole" + std::to_string(i), 8'000'000));
  auto refused = publish("refused", 8'500'000);
  cluster.run(5s);
  for (auto& write : writes)
    CHECK(write.code() == ec::none);
  CHECK(refused.code() == ec::limit_reached);
  CHECK(cluster.agree());
  CHECK(cluster.all_show("s39", "2.2.2.2+"));
  CHECK(cluster.all_show("whole5", "2.2.2.2+"));
  cluster.crash(2);
  cluster.run(1s);
  cluster.start(2);
  REQUIRE(cluster.run_until([&] { return cluster.ready(2); }, 5s));
  CHECK(cluster.all_show("s0", "2.2.2.2+"));
  CHECK(cluster.all_show("whole5", "2.2.2.2+"));
}

TEST_CASE("a node that starts again need not wait for the others' next try to dial it") {
  running_cluster cluster;
  cluster.register_instance(0, "s", "1.1.1.1");
  cluster.crash(2);
  cluster.run(1250ms); // their next try comes 450 ms later
  cluster.start(2);
  CHECK(cluster.run_until([&] { return cluster.ready(2); }, 500ms));
}

TEST_CASE("clients of a node that is lost for sure beat elsewhere; its connections go after 15 s") {
  running_cluster cluster;
  auto ip = cluster.ip_of(2);
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
  cluster.isolate(2);
  cluster.run(170s);
  CHECK(cluster.shown(0, "s") == "2.2.2.2+");
  cluster.run(15s);
  CHECK(cluster.shown(0, "s").empty());
  CHECK(cluster.shown(2, "s") == "2.2.2.2+");
  cluster.net->heal();
  cluster.run(6s);
  CHECK(cluster.all_show("s", "2.2.2.2+"));
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
  auto ip = cluster.ip_of(0);
  cluster.register_instance(1, "s", ip);
  cluster.run(2s);
  cluster.cut(0, 1);
  for (int i = 0; i < 30; ++i) {
    cluster.run(5s);
    CHECK(cluster.beat(1, "s", ip)); // the responsible node hears of it by way of the third
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
  cluster.isolate(0);
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
  CHECK(cluster.all_show("s", all + " 1.1.1.7+ 1.1.1.8+"));
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
  CHECK(cluster.all_show("s", ""));
}

TEST_CASE("a node that dies again and again does not keep the clients of its first incarnation") {
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
  CHECK(cluster.all_show("s", ""));
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
  CHECK(cluster.all_show("s", "1.1.1.1+ 2.2.2.2+"));
}

TEST_CASE("a node that was cut off from its clients too is not ready before it has loaded again") {
  running_cluster cluster;
  auto a = cluster.connect(1);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(2s);
  cluster.isolate(1);
  a.link->of.reset();
  cluster.run(40s); // nothing is heard of the client: its connection has ended
  CHECK_FALSE(cluster.ready(1));
  auto b = cluster.connect(0);
  cluster.publish(b, "s", "2.2.2.2");
  cluster.run(2s);
  cluster.net->heal();
  REQUIRE(cluster.run_until([&] { return cluster.ready(1); }, 4s));
  CHECK(cluster.shown(1, "s") == "2.2.2.2+");
}

TEST_CASE("a node that is cut off from the others stays ready for clients that reach it") {
  running_cluster cluster;
  auto a = cluster.connect(1);
  auto b = cluster.connect(1);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(2s);
  cluster.isolate(1);
  a.link->of.reset();
  for (int i = 0; i < 8; ++i) {
    cluster.run(5s);
    CHECK(cluster.ready(1));
  }
  CHECK(cluster.shown(1, "s").empty());
}

// -- what simulation found -----------------------------------------------------------------------

TEST_CASE(
  "beats reach the responsible node also while the link to it is dead but seems open (12667)") {
  running_cluster cluster;
  auto ip = cluster.ip_of(1);
  cluster.register_instance(0, "s", ip);
  cluster.run(2s);
  cluster.cut_way(0, 1);
  auto lease = cluster.lease(1, "s", ip);
  REQUIRE(lease);
  for (int i = 0; i < 6; ++i) {
    cluster.run(5s);
    CHECK(cluster.beat(0, "s", ip));
    cluster.run(500ms);
    CHECK(cluster.now() - lease->renewed.load() <= 500ms);
  }
}

TEST_CASE("clients of a silent node that starts again have the time of a beat too (seed 5573)") {
  running_cluster cluster;
  auto ip = cluster.ip_of(0);
  cluster.register_instance(2, "s", ip);
  cluster.run(1s);
  cluster.isolate(2);
  cluster.run(9s);
  CHECK(cluster.beat(2, "s", ip));
  cluster.run(2s);
  cluster.net->heal();
  cluster.crash(2);
  cluster.start(2);
  cluster.run(4s);
  CHECK(cluster.all_show("s", ip + "+"));
  CHECK(cluster.beat(1, "s", ip));
  cluster.run(5s);
  CHECK(cluster.all_show("s", ip + "+"));
}

TEST_CASE("patience with a silent node ends when it is heard again (seeds 5, 7)") {
  running_cluster cluster;
  auto ip = cluster.ip_of(2);
  cluster.register_instance(0, "s", ip);
  cluster.run(2s);
  cluster.isolate(2);
  cluster.run(20s);
  cluster.net->heal();
  cluster.run(40s); // the client is dead, and nobody waits 180 s for it
  CHECK(cluster.all_show("s", ""));
}

TEST_CASE("a deregistration by a fast clock does not undo what came later (seeds 2478, 2974)") {
  simulated_cluster cluster(1);
  cluster.nodes[1].wall_offset_ms = 8'000;
  cluster.start_all();
  cluster.register_instance(1, "s", "1.1.1.1");
  cluster.run(2s);
  cluster.deregister(1, "s", "1.1.1.1");
  cluster.run(1s);
  cluster.register_instance(0, "s", "1.1.1.1");
  cluster.run(3s);
  CHECK(cluster.all_show("s", "1.1.1.1+"));
}

TEST_CASE(
  "a fresh term is no sign of life: others are told when the client was heard (seed 2795)") {
  running_cluster cluster;
  auto ip = cluster.ip_of(1);
  auto registered_ms = cluster.now_ms();
  cluster.register_instance(0, "s", ip);
  cluster.run(2s);
  cluster.crash(1);
  cluster.run(5s);
  cluster.start(1);
  cluster.run(5s);
  for (std::size_t i = 0; i < cluster.nodes.size(); ++i) {
    auto lease = cluster.lease(i, "s", ip);
    REQUIRE(lease);
    CHECK(lease->renewed.load() <= at(registered_ms + 100));
  }
}

TEST_CASE("a node that starts late drops what a lost incarnation held (469, 3774, 4670)") {
  running_cluster cluster;
  auto a = cluster.connect(2);
  cluster.publish(a, "s", "2.2.2.2");
  cluster.run(3s);
  cluster.crash(2);
  cluster.crash(0);
  cluster.run(1s);
  cluster.start(2);
  cluster.run(2s);
  cluster.start(0);
  cluster.run(25s);
  CHECK(cluster.all_show("s", ""));
}

TEST_CASE("a node that is cut off calls nobody dead whose beats it can't on_peer, nor afterwards") {
  running_cluster cluster;
  std::vector<std::string> ips;
  for (std::size_t i = 0; i < 3; ++i)
    ips.push_back(cluster.ip_of(i));
  for (auto& ip : ips)
    cluster.register_instance(0, "s", ip);
  cluster.run(2s);
  auto all = cluster.shown(0, "s");
  cluster.isolate(0);
  for (int i = 0; i < 100; ++i) {
    if (i == 70)
      cluster.net->heal();
    if (i % 5 == 0)
      for (auto& ip : ips)
        CHECK(cluster.beat(1, "s", ip));
    cluster.run(1s);
    CHECK(cluster.all_show("s", all));
  }
  cluster.run(35s);
  CHECK(cluster.all_show("s", ""));
}

TEST_CASE("a node that is cut off for good removes clients in the end") {
  running_cluster cluster;
  cluster.register_instance(0, "s", cluster.ip_of(0));
  cluster.run(2s);
  cluster.isolate(0);
  cluster.run(175s);
  CHECK(cluster.shown(0, "s") != "");
  cluster.run(15s);
  CHECK(cluster.shown(0, "s").empty());
}

TEST_CASE("clients that beat at a node which was silent have the time of a beat when it is back") {
  running_cluster cluster;
  auto ip = cluster.ip_of(1);
  cluster.register_instance(1, "s", ip);
  cluster.run(2s);
  cluster.isolate(0);
  CHECK(cluster.beat(0, "s", ip));
  for (int i = 0; i < 11; ++i) { // the responsible node has heard nothing for 13 s
    cluster.run(1s);
    if (i % 5 == 4)
      CHECK(cluster.beat(0, "s", ip));
  }
  cluster.net->heal();
  for (int i = 0; i < 20; ++i) {
    cluster.run(1s);
    CHECK(cluster.all_show("s", ip + "+"));
    if (i % 5 == 3)
      CHECK(cluster.beat(0, "s", ip));
  }
}

TEST_CASE("a responsible node that was wrong tells everybody") {
  running_cluster cluster;
  auto ip = cluster.ip_of(1);
  cluster.register_instance(0, "s", ip);
  cluster.run(2s);
  auto lease = cluster.lease(0, "s", ip);
  for (int i = 0; i < 16; ++i) { // node 0 hears the client, and the responsible one does not
    cluster.run(1s);
    lease->renewed = cluster.now();
  }
  cluster.run(1s);
  CHECK(cluster.all_show("s", ip + "+"));
}

TEST_CASE("what a third node says of a member's new incarnation is believed") {
  running_cluster cluster;
  cluster.crash(1);
  cluster.run(1s);
  cluster.cut(0, 1);
  cluster.start(1);
  cluster.run(20s);
  for (auto& x : cluster.nodes)
    CHECK(x.context->cluster->now()->ring().ring().size() == 3);
}

TEST_CASE("in a slow network nodes don't keep a lost one alive by telling each other of it") {
  running_cluster cluster(1, 5);
  cluster.net->now.delay_min_ms = cluster.net->now.delay_max_ms = 900;
  cluster.run(5s);
  cluster.isolate(4);
  cluster.run(16s);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(cluster.nodes[i].context->cluster->now()->ring().ring().size() == 4);
}
