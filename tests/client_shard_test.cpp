#include "tests/kit/deterministic.hpp"

using namespace nacre;
using namespace nacre::test;

TEST_CASE("an instance without beats turns unhealthy after 15 s and goes after 30 s") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.advance(14'900ms);
  CHECK(node.shown("s") == "10.0.0.1+");
  node.advance(500ms);
  CHECK(node.shown("s") == "10.0.0.1-");
  node.advance(14'400ms);
  CHECK(node.shown("s") == "10.0.0.1-");
  node.advance(700ms);
  CHECK(node.shown("s") == "");
  CHECK(node.beat("s", "10.0.0.1") == false);
}

TEST_CASE("a beat keeps an instance healthy without a message to any actor") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  for (int i = 0; i < 20; ++i) {
    CHECK(node.beat("s", "10.0.0.1"));
    CHECK(node.sched.jobs.empty());
    node.advance(5s);
  }
  CHECK(node.shown("s") == "10.0.0.1+");
}

TEST_CASE("the first beat after a pause makes the instance healthy again") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.advance(20s);
  CHECK(node.shown("s") == "10.0.0.1-");
  CHECK(node.beat("s", "10.0.0.1"));
  node.settle();
  CHECK(node.shown("s") == "10.0.0.1+");
}

TEST_CASE("the terms in the metadata hold: Nacos PreservedMetadataKeys") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1",
                         {{"preserved.heart.beat.interval", "1000"},
                          {"preserved.heart.beat.timeout", "3000"},
                          {"preserved.ip.delete.timeout", "6000"}});
  node.advance(3'400ms);
  CHECK(node.shown("s") == "10.0.0.1-");
  node.advance(3s);
  CHECK(node.shown("s") == "");
}

TEST_CASE("enableClientBeat takes an instance out of the checks: InstanceEnableBeatCheck") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1", {{"enableClientBeat", "true"}});
  node.advance(120s, 1s);
  CHECK(node.shown("s") == "10.0.0.1+");
}

TEST_CASE("with the switch `check` off nobody is marked or removed") {
  node_fixture node;
  auto off = std::make_shared<switch_domain>();
  off->health_check_enabled = false;
  node.context->tables.store.set_switches(off);
  node.register_instance("s", "10.0.0.1");
  node.advance(120s, 1s);
  CHECK(node.shown("s") == "10.0.0.1+");
}

TEST_CASE("with expireInstance off an instance turns unhealthy and stays") {
  options opts;
  opts.liveness.expire_instance = false;
  node_fixture node(1, opts);
  node.register_instance("s", "10.0.0.1");
  node.advance(120s, 1s);
  CHECK(node.shown("s") == "10.0.0.1-");
}

TEST_CASE("a persistent instance needs no beats") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1", {}, false);
  node.advance(120s, 1s);
  CHECK(node.shown("s") == "10.0.0.1+");
  node.deregister("s", "10.0.0.1", true); // another client: the ephemeral one
  node.settle();
  CHECK(node.shown("s") == "10.0.0.1+");
  node.deregister("s", "10.0.0.1", false);
  node.settle();
  CHECK(node.shown("s") == "");
}

TEST_CASE("a node that stood still gives every lease a fresh term") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.advance(1s);
  node.advance(40s, 40s); // one jump: no tick in between, as after SIGSTOP
  node.advance(14s);
  CHECK(node.shown("s") == "10.0.0.1+");
  node.advance(2s);
  CHECK(node.shown("s") == "10.0.0.1-");
}

TEST_CASE("deregistering what is not there answers ok") {
  node_fixture node;
  auto write = node.deregister("s", "10.0.0.1");
  node.settle();
  CHECK(write.code() == ec::none);
}

TEST_CASE("a subscriber that asks no more is forgotten after 30 s") {
  node_fixture node;
  node.subscribe("s", "10.9.9.9");
  node.settle();
  for (int i = 0; i < 6; ++i) {
    node.advance(10s);
    node.subscribe("s", "10.9.9.9");
  }
  CHECK(node.find("s")->subscribers.size() == 1);
  node.advance(36s);
  CHECK(node.find("s")->subscribers.size() == 0);
}

TEST_CASE("a killed shard gets its rows back and loses nothing") {
  under_seeds([](std::uint64_t seed) {
    node_fixture node(seed);
    std::map<std::string, std::string> expected; // service → ip, one instance each
    auto kill = [&] {
      caf::anon_send_exit(node.context->actors.shards[node.rng() % 3].get(),
                          caf::exit_reason::kill);
    };
    // What a client does: it tries again when it is told that the write was interrupted.
    auto insist = [&](auto write) {
      for (;;) {
        auto pending = write();
        while (!pending.done())
          if (!node.step())
            node.sched.clock().advance_time(50ms);
        if (pending.code() == ec::none)
          return;
        REQUIRE(pending.code() == ec::unavailable);
        node.advance(100ms);
      }
    };
    for (int i = 0; i < 10; ++i) {
      auto service = "s" + std::to_string(node.rng() % 4);
      auto ip = "10.0.0." + std::to_string(node.rng() % 5);
      if (expected.count(service) != 0) {
        insist([&] { return node.deregister(service, expected[service]); });
        expected.erase(service);
      } else {
        insist([&] { return node.register_instance(service, ip); });
        expected[service] = ip;
      }
      if (node.rng() % 4 == 0)
        kill();
    }
    node.advance(1s);
    for (int i = 0; i < 4; ++i) {
      auto service = "s" + std::to_string(i);
      CHECK(node.shown(service)
            == (expected.count(service) != 0 ? expected[service] + "+" : std::string()));
    }
    // The leases were taken over: who beats stays, who does not goes.
    auto beating = expected.empty() ? "" : expected.begin()->first;
    for (int i = 0; i < 40; ++i) {
      if (!expected.empty())
        CHECK(node.beat(beating, expected[beating]));
      node.advance(1s, 500ms);
    }
    for (auto& [service, ip] : expected)
      CHECK(node.shown(service) == (service == beating ? ip + "+" : ""));
  });
}

TEST_CASE("a shard and a service killed together lose nothing") {
  under_seeds([](std::uint64_t seed) {
    node_fixture node(seed);
    for (int i = 0; i < 6; ++i)
      node.register_instance("s", "10.0.0." + std::to_string(i));
    node.settle();
    caf::anon_send_exit(node.context->tables.directory.find_actor(node.key("s")->view()),
                        caf::exit_reason::kill);
    for (auto steps = node.rng() % 10; steps > 0; --steps)
      node.step();
    caf::anon_send_exit(node.context->actors.shards[node.rng() % 3].get(), caf::exit_reason::kill);
    node.advance(2s);
    CHECK(node.shown("s") == "10.0.0.0+ 10.0.0.1+ 10.0.0.2+ 10.0.0.3+ 10.0.0.4+ 10.0.0.5+");
    for (int i = 0; i < 30; ++i) {
      for (int k = 0; k < 6; ++k)
        CHECK(node.beat("s", "10.0.0." + std::to_string(k)));
      node.advance(1s, 500ms);
    }
    CHECK(node.context->counters.instances == 6);
  });
}

namespace {

constexpr int many = 30;

std::string client_ip(int i) { return "10.0.0." + std::to_string(i); }

/// So many of thirty clients beat for that long.
void keep_beating(node_fixture& node, int count, std::chrono::seconds span) {
  for (auto passed = 0s; passed < span; passed += 5s) {
    for (int i = 1; i <= count; ++i)
      node.beat("s", client_ip(i));
    node.advance(5s);
  }
}

void register_many(node_fixture& node) {
  for (int i = 1; i <= many; ++i)
    node.register_instance("s", client_ip(i));
  node.settle();
  keep_beating(node, many, 10s);
}

auto unhealthy(node_fixture& node) {
  auto shown = node.shown("s");
  return std::count(shown.begin(), shown.end(), '-');
}

auto healthy(node_fixture& node) {
  auto shown = node.shown("s");
  return std::count(shown.begin(), shown.end(), '+');
}

} // namespace

TEST_CASE("when nearly all clients fall silent at once the node suspects itself") {
  node_fixture node;
  register_many(node);
  node.advance(35s);
  CHECK(healthy(node) == many);
  SUBCASE("they beat again: nobody was ever marked") {
    auto revision = node.find("s")->revision;
    keep_beating(node, many, 60s);
    CHECK(healthy(node) == many);
    CHECK(node.find("s")->revision == revision);
    node.advance(30s); // and a second silence is one of its own
    CHECK(healthy(node) == many);
  }
  SUBCASE("they stay silent: it is believed, and they go in the usual order") {
    node.advance(12s); // 52 s after the last beats
    CHECK(unhealthy(node) == many);
    node.advance(6s);
    CHECK(unhealthy(node) == many);
    node.advance(5s);
    CHECK(node.shown("s") == "");
  }
}

TEST_CASE("when a part of the clients falls silent they are marked in time") {
  node_fixture node;
  register_many(node);
  keep_beating(node, many / 3, 20s);
  CHECK(healthy(node) == many / 3);
  CHECK(unhealthy(node) == many - many / 3);
  keep_beating(node, many / 3, 15s);
  CHECK(unhealthy(node) == 0);
}

TEST_CASE("clients that never beat can't have stopped: they are marked in time, however many") {
  node_fixture node;
  for (int i = 1; i <= many; ++i)
    node.register_instance("s", client_ip(i));
  node.advance(16s);
  CHECK(unhealthy(node) == many);
  node.advance(15s);
  CHECK(node.shown("s") == "");
}

TEST_CASE("nacre.health.suspicious-percent=100: silence is always believed") {
  options opts;
  opts.health.suspicious_percent = 100;
  node_fixture node(1, opts);
  register_many(node);
  node.advance(16s);
  CHECK(unhealthy(node) == many);
}
