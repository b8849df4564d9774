#include "tests/kit/deterministic.hpp"

using namespace nacre;
using namespace nacre::test;

TEST_CASE("a root that failed finds its children alive and goes on supervising them") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  auto shard = node.context->actors.shards[0].get();
  caf::anon_send_exit(node.context->actors.node.get(), caf::exit_reason::kill);
  node.settle();
  spawn_node(node.sys, node.context);
  node.advance(1s);
  CHECK(node.context->actors.shards[0].get() == shard);
  caf::anon_send_exit(shard, caf::exit_reason::kill);
  node.advance(1s);
  CHECK(node.context->actors.shards[0].get() != shard);
  CHECK(node.beat("s", "10.0.0.1"));
  CHECK(node.register_instance("t", "10.0.0.2").done() == false);
  node.settle();
  CHECK(node.shown("s") == "10.0.0.1+");
  CHECK(node.shown("t") == "10.0.0.2+");
}

TEST_CASE("an actor that fails again and again is started with growing delay") {
  restart_delay delay;
  std::string delays;
  for (int i = 0; i < 10; ++i)
    delays += std::to_string(delay.next(at(i)).count()) + " ";
  CHECK(delays == "0 50 100 200 400 800 1600 3200 5000 5000 ");
  CHECK(delay.next(at(100'000)).count() == 0); // a minute without failure is forgiven
  CHECK(delay.restarts() == 11);
}

TEST_CASE("the inspector shows every actor, with parents, restarts and the last failure") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  caf::anon_send_exit(node.context->actors.push_engine.get(), caf::exit_reason::kill);
  node.advance(1s);
  pending_write report;
  inspect request;
  request.answer = report.ticket();
  caf::anon_send(node.context->actors.inspector.get(), request);
  node.settle();
  REQUIRE(report.done());
  auto& json = report.results->at(0).text;
  for (auto kind : {"node", "metadata-keeper", "push-engine", "udp-push", "inspector",
                    "client-shard", "service-registry", "service"})
    CHECK_MESSAGE(json.find("\"kind\":\"" + std::string(kind) + "\"") != std::string::npos, kind);
  CHECK(json.find("\"restarts\":1,\"lastFailure\":\"exit_reason(kill)") != std::string::npos);
  CHECK(json.find("\"key\":\"public@@DEFAULT_GROUP@@s\"") != std::string::npos);
}

TEST_CASE("overrides hold over registrations and end 60 s after their instance") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  pending_write write;
  caf::anon_send(node.context->actors.metadata.get(),
                 put_overrides{node.key("s"),
                               {{"10.0.0.1:80:DEFAULT", {5.0, false, {{"k", "v"}}}}},
                               "10.9.9.9",
                               write.ticket()});
  node.settle();
  CHECK(write.code() == ec::none);
  auto effective = [&] { return node.find("s")->find_instance("10.0.0.1", 80, "DEFAULT").value(); };
  CHECK(effective().weight == 5.0);
  CHECK(effective().enabled == false);
  node.deregister("s", "10.0.0.1");
  node.register_instance("s", "10.0.0.2", {{"enableClientBeat", "true"}});
  node.advance(30s, 1s);
  node.register_instance("s", "10.0.0.1");
  node.settle();
  CHECK(effective().weight == 5.0); // back within a minute: the operator's wish still holds
  node.deregister("s", "10.0.0.1");
  node.advance(70s, 1s);
  node.register_instance("s", "10.0.0.1");
  node.settle();
  CHECK(effective().weight == 1.0);
}

TEST_CASE("keys added to an instance's metadata at the same time are all kept") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1", {{"own", "1"}});
  node.settle();
  using kind = override_change::kind;
  auto change = [&](const std::string& name, kind how) {
    caf::anon_send(node.context->actors.metadata.get(),
                   put_overrides{node.key("s"),
                                 {{"10.0.0.1:80:DEFAULT", {2.0, true, {{name, "x"}}}, how}},
                                 "10.9.9.9",
                                 nullptr});
  };
  change("never", kind::remove_metadata);
  change("a", kind::add_metadata);
  change("b", kind::add_metadata);
  change("c", kind::add_metadata);
  change("b", kind::remove_metadata);
  node.settle();
  auto shown = node.find("s")->find_instance("10.0.0.1", 80, "DEFAULT").value();
  CHECK(shown.metadata == metadata_map{{"a", "x"}, {"c", "x"}, {"own", "1"}});
  CHECK(shown.weight == 2.0);
}

TEST_CASE("a write whose actor dies is answered, not forgotten") {
  under_seeds([](std::uint64_t seed) {
    node_fixture node(seed);
    std::vector<pending_write> writes;
    for (int i = 0; i < 20; ++i) {
      writes.push_back(
        node.register_instance("s" + std::to_string(i % 3), "10.0.0." + std::to_string(i)));
      if (i % 7 == 3)
        caf::anon_send_exit(node.context->actors.shards[node.rng() % 3].get(),
                            caf::exit_reason::kill);
      node.step();
    }
    node.advance(2s);
    for (auto& write : writes) {
      REQUIRE(write.done());
      CHECK((write.code() == ec::none || write.code() == ec::unavailable));
    }
  });
}
