#include "tests/kit/deterministic.hpp"

#include "actors/naming/service.hpp"

using namespace nacre;
using namespace nacre::test;

TEST_CASE("a registration is acknowledged when a read sees it") {
  under_seeds([](std::uint64_t seed) {
    node_fixture node(seed);
    auto write = node.register_instance("s", "10.0.0.1");
    while (!write.done())
      REQUIRE(node.step());
    CHECK(write.code() == ec::none);
    CHECK(node.shown("s") == "10.0.0.1+");
    auto gone = node.deregister("s", "10.0.0.1");
    while (!gone.done())
      REQUIRE(node.step());
    CHECK(node.shown("s") == "");
  });
}

TEST_CASE("the same registration again makes no new revision and no push") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.subscribe("s", "10.9.9.9");
  node.advance(2s);
  auto revision = node.find("s")->revision;
  auto pushes = node.sink->sent.size();
  auto write = node.register_instance("s", "10.0.0.1");
  node.advance(2s);
  CHECK(write.code() == ec::none);
  CHECK(node.find("s")->revision == revision);
  CHECK(node.sink->sent.size() == pushes);
}

TEST_CASE("lastRefTime rises with every change, also within one millisecond") {
  node_fixture node;
  wall_time last{};
  for (int i = 0; i < 50; ++i) {
    node.register_instance("s", "10.0.0." + std::to_string(i));
    node.settle();
    CHECK(node.find("s")->ref_time > last);
    last = node.find("s")->ref_time;
  }
}

TEST_CASE("a service keeps its kind: Nacos EphemeralClientOperationServiceImpl") {
  node_fixture node;
  CHECK(node.register_instance("s", "10.0.0.1").done() == false);
  node.settle();
  auto refused = node.register_instance("s", "10.0.0.2", {}, false);
  node.settle();
  CHECK(refused.code() == ec::kind_conflict);
  CHECK(refused.results->at(0).text
        == "Current service DEFAULT_GROUP@@s is ephemeral service, can't register persistent "
           "instance.");
  CHECK(node.shown("s") == "10.0.0.1+");
  // The refused row is gone from its shard too: a restart of the service brings nothing back.
  caf::anon_send_exit(node.context->tables.directory.find_actor(node.key("s")->view()),
                      caf::exit_reason::kill);
  node.advance(1s);
  CHECK(node.shown("s") == "10.0.0.1+");
}

TEST_CASE("a service nobody publishes leaves the lists after its time, and its actor with it") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  CHECK(node.context->tables.directory.listed() == 1);
  node.deregister("s", "10.0.0.1");
  node.advance(55s, 1s);
  CHECK(node.context->tables.directory.listed() == 1);
  node.advance(10s, 1s);
  CHECK(node.context->tables.directory.listed() == 0);
  CHECK(node.context->tables.directory.size() == 0);
  CHECK(node.find("s") == nullptr);
  node.register_instance("s", "10.0.0.2", {}, false); // a new life may be of another kind
  node.settle();
  CHECK(node.shown("s") == "10.0.0.2+");
}

TEST_CASE("a registration that races the end of its service is never lost") {
  under_seeds([](std::uint64_t seed) {
    node_fixture node(seed);
    node.register_instance("s", "10.0.0.1");
    node.settle();
    node.deregister("s", "10.0.0.1");
    node.advance(59'900ms, 1s);
    node.sched.clock().advance_time(200ms); // the end is due and not yet handled
    for (auto steps = node.rng() % 6; steps > 0; --steps)
      node.step();
    auto write = node.register_instance("s", "10.0.0.2");
    node.settle();
    CHECK(write.code() == ec::none);
    CHECK(node.shown("s") == "10.0.0.2+");
  });
}

TEST_CASE("a killed service is rebuilt from its clients and loses nothing") {
  under_seeds([](std::uint64_t seed) {
    node_fixture node(seed);
    std::map<std::string, bool> expected;
    auto kill = [&] {
      if (auto actor = node.context->tables.directory.find_actor(node.key("s")->view()))
        caf::anon_send_exit(actor, caf::exit_reason::kill);
    };
    std::vector<std::pair<std::string, pending_write>> writes;
    for (int i = 0; i < 12; ++i) {
      auto ip = "10.0.0." + std::to_string(node.rng() % 6);
      bool adds = node.rng() % 3 != 0;
      // Writes of one client are in order; the others interleave as they like.
      writes.emplace_back(ip, adds ? node.register_instance("s", ip) : node.deregister("s", ip));
      expected[ip] = adds;
      for (auto steps = node.rng() % 8; steps > 0; --steps)
        node.step();
      if (node.rng() % 5 == 0)
        kill();
    }
    node.advance(1s); // heals within a second
    std::string shown;
    for (auto& [ip, there] : expected)
      if (there)
        shown += (shown.empty() ? "" : " ") + ip + "+";
    for (auto& [ip, write] : writes)
      CHECK(write.done());
    CHECK(node.shown("s") == shown);
    CHECK(node.context->counters.instances
          == static_cast<std::int64_t>(
            std::count_if(expected.begin(), expected.end(), [](auto& x) { return x.second; })));
  });
}

TEST_CASE("the cause of every removal can be asked for, also when the service is gone") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.register_instance("s", "10.0.0.2");
  node.settle();
  node.deregister("s", "10.0.0.1");
  node.advance(120s, 1s);
  auto events = node.context->tables.history.events(node.key("s")->view());
  std::string story;
  for (auto& x : events)
    story += std::string(to_string(x.what)) + " " + x.who->client.ip + " ("
             + std::string(to_string(x.why)) + "); ";
  CHECK(story.find("removed 10.0.0.1 (request); ") != std::string::npos);
  CHECK(story.find("unhealthy 10.0.0.2 (beats stopped); removed 10.0.0.2 (beats stopped); ")
        != std::string::npos);
  CHECK(node.context->tables.directory.size() == 0);
}

TEST_CASE("at the bound of services a registration gets a clear error and leaves no trace") {
  options opts;
  opts.limits.services_max = 2;
  node_fixture node(1, opts);
  for (auto name : {"a", "b"})
    node.register_instance(name, "10.0.0.1");
  node.settle();
  auto refused = node.register_instance("c", "10.0.0.1");
  node.settle();
  CHECK(refused.code() == ec::limit_reached);
  CHECK(node.beat("c", "10.0.0.1") == false);
}

TEST_CASE("at the bound of memory nothing new is taken, and what is there goes on") {
  options opts;
  opts.limits.memory_bytes_max = 1'000;
  node_fixture node(1, opts);
  node.register_instance("s", "10.0.0.1", {{"k", "long"}});
  node.subscribe("s", "10.9.9.1");
  node.settle();
  auto& memory = node.context->tables.memory;
  memory.observe(1'000);
  auto new_one = node.register_instance("s", "10.0.0.2");
  auto longer = node.register_instance("s", "10.0.0.1", {{"k", "longer"}});
  node.subscribe("s", "10.9.9.2");
  node.settle();
  CHECK(new_one.code() == ec::limit_reached);
  CHECK(longer.code() == ec::limit_reached);
  CHECK(node.find("s")->subscribers.size() == 1);
  CHECK(memory.refused() == 3);
  auto shorter = node.register_instance("s", "10.0.0.1", {{"k", "new"}});
  node.settle();
  CHECK(shorter.code() == ec::none);
  CHECK(node.beat("s", "10.0.0.1") == true);
  memory.observe(999);
  auto later = node.register_instance("s", "10.0.0.2");
  node.settle();
  CHECK(later.code() == ec::none);
  CHECK(memory.used().peak() == 1'000);
}

TEST_CASE("at the bound of instances a registration gets a clear error, an update does not") {
  options opts;
  opts.limits.instances_max = 2;
  node_fixture node(1, opts);
  node.register_instance("s", "10.0.0.1");
  node.register_instance("s", "10.0.0.2");
  node.settle();
  auto refused = node.register_instance("s", "10.0.0.3");
  auto updated = node.register_instance("s", "10.0.0.1", {{"k", "v"}});
  node.settle();
  CHECK(refused.code() == ec::limit_reached);
  CHECK(updated.code() == ec::none);
}
