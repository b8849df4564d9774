// Health checks of persistent instances in virtual time; the sockets are in probe_test.cpp.
#include <doctest/doctest.h>

#include "actors/health/check_state.hpp"
#include "protocol/json_reader.hpp"
#include "tests/kit/scripted_prober.hpp"
#include "tests/kit/simulated_cluster.hpp"

using namespace nacre;
using namespace nacre::test;
using namespace std::chrono_literals;

namespace {

constexpr switch_domain::check_params tcp{5000, 1000, 0.75};

class probing_node : public node_fixture {
public:
  explicit probing_node(std::shared_ptr<memory_disk> kept = std::make_shared<memory_disk>(),
                        const options& opts = warm())
    : node_fixture(1, opts, 3, std::move(kept)) {
    context->prober = prober;
    if (shown("p").empty())
      return;
    // Those that were on the disk were shown before there was a prober.
    caf::anon_send_exit(context->actors.health.get(), caf::exit_reason::kill);
    advance(100ms);
  }

  void put(const std::string& ip) {
    register_instance("p", ip, {}, false);
    settle();
  }

  /// Thirty targets that were well for a while answer no more.
  void silence_many() {
    auto ip = [](int i) { return "10.0.0." + std::to_string(i); };
    for (int i = 1; i <= 30; ++i)
      put(ip(i));
    advance(10s);
    for (int i = 1; i <= 30; ++i)
      prober->says[ip(i)] = scripted_prober::silent();
  }

  std::string report(describe_health request = {}) {
    pending_write write;
    request.answer = write.ticket();
    caf::anon_send(context->actors.health.get(), std::move(request));
    settle();
    return write.results->at(0).text;
  }

  std::int64_t reported(const char* name, describe_health request = {}) {
    json_document text(report(std::move(request)));
    return static_cast<std::int64_t>(text.root()[name].number().value_or(-1));
  }

  std::int64_t dead_for(milliseconds span) {
    describe_health request;
    request.dead_for = span;
    return reported("found", std::move(request));
  }

  void configure(cluster_metadata settings) {
    pending_write write;
    caf::anon_send(context->actors.metadata.get(),
                   put_cluster{key("p"), "DEFAULT", std::move(settings), write.ticket()});
    settle();
    REQUIRE(write.code() == ec::none);
  }

  std::shared_ptr<scripted_prober> prober = std::make_shared<scripted_prober>();
};

} // namespace

TEST_CASE("a target changes after so many equal answers in a row, and at once if it is for sure") {
  check_state x;
  auto ok = scripted_prober::well();
  auto silent = scripted_prober::silent();
  CHECK_FALSE(x.judge(silent, true, 3));
  CHECK_FALSE(x.judge(silent, true, 3));
  CHECK_FALSE(x.judge(ok, true, 3)); // they begin anew
  CHECK_FALSE(x.judge(silent, true, 3));
  CHECK_FALSE(x.judge(silent, true, 3));
  CHECK(x.judge(silent, true, 3) == false);
  CHECK(x.judge(silent, true, 3) == false); // as long as readers do not see it
  CHECK_FALSE(x.judge(silent, false, 3));
  CHECK_FALSE(x.judge(ok, false, 3));
  CHECK_FALSE(x.judge(ok, false, 3));
  CHECK(x.judge(ok, false, 3) == true);
  CHECK(x.judge(scripted_prober::refused(), true, 3) == false);
  CHECK_FALSE(x.judge(scripted_prober::refused(), false, 3));
}

TEST_CASE("the interval follows what probes take, between its bounds") {
  check_state quick;
  auto interval = 0ms;
  for (int i = 0; i < 20; ++i)
    interval = quick.next_interval(scripted_prober::well(), tcp);
  CHECK(interval == 1'000ms);
  CHECK(quick.next_interval(scripted_prober::silent(), tcp) == 1'250ms);
  CHECK(quick.next_interval(scripted_prober::silent(), tcp) == 1'562ms);
  CHECK(quick.next_interval(scripted_prober::refused(), tcp) == 2'421ms);
  for (int i = 0; i < 50; ++i)
    interval = quick.next_interval(scripted_prober::refused(), tcp);
  CHECK(interval >= 4'990ms);
  CHECK(interval <= 5'000ms);
}

TEST_CASE("health check: a target that dies is shown so after three probes, and comes back") {
  probing_node node;
  node.put("10.0.0.1");
  node.put("10.0.0.2");
  node.subscribe("p", "10.1.1.1");
  node.advance(10s);
  CHECK(node.shown("p") == "10.0.0.1+ 10.0.0.2+");
  auto pushes = node.sink->sent.size();
  node.prober->says["10.0.0.1"] = scripted_prober::silent();
  node.advance(1s);
  CHECK(node.shown("p") == "10.0.0.1+ 10.0.0.2+");
  node.advance(9s);
  CHECK(node.shown("p") == "10.0.0.1- 10.0.0.2+");
  CHECK(node.sink->sent.size() == pushes + 1);
  node.advance(40s); // nobody acknowledges it, and the subscriber is forgotten
  node.subscribe("p", "10.1.1.1");
  pushes = node.sink->sent.size();
  node.prober->says.clear();
  node.advance(20s);
  CHECK(node.shown("p") == "10.0.0.1+ 10.0.0.2+");
  CHECK(node.sink->sent.size() > pushes);
}

TEST_CASE("health check: one that refuses is unhealthy with the first probe that says so") {
  probing_node node;
  node.prober->says["10.0.0.1"] = scripted_prober::refused();
  node.put("10.0.0.1");
  node.advance(2'100ms);
  CHECK(node.prober->asked["10.0.0.1"] == 1);
  CHECK(node.shown("p") == "10.0.0.1-");
}

TEST_CASE("health check: only persistent instances are probed, and none that was taken back") {
  probing_node node;
  node.register_instance("e", "10.0.0.9");
  node.put("10.0.0.1");
  node.advance(5s);
  CHECK(node.prober->asked.count("10.0.0.9") == 0);
  auto asked = node.prober->asked["10.0.0.1"];
  CHECK(asked >= 2);
  node.deregister("p", "10.0.0.1", false);
  node.advance(10s);
  CHECK(node.prober->asked["10.0.0.1"] == asked);
  CHECK(node.reported("targets") == 0);
}

TEST_CASE("health check: a cluster's port and kind of check take effect, NONE too") {
  probing_node node;
  node.put("10.0.0.1");
  cluster_metadata settings;
  settings.use_instance_port = false;
  settings.check_port = 8081;
  settings.checker.type = health_checker::kind::http;
  node.configure(settings);
  node.advance(6s);
  CHECK(node.prober->last_port == 8081);
  CHECK(node.report().find("\"type\":\"HTTP\"") != std::string::npos);
  settings.checker.type = health_checker::kind::none;
  node.configure(settings);
  node.advance(6s);
  auto asked = node.prober->asked["10.0.0.1"];
  node.prober->says["10.0.0.1"] = scripted_prober::refused();
  node.advance(20s);
  CHECK(node.prober->asked["10.0.0.1"] == asked);
  CHECK(node.shown("p") == "10.0.0.1+");
  CHECK(node.report().find("no health check") != std::string::npos);
}

TEST_CASE("health check: the switch turns all of it off, and on again") {
  probing_node node;
  node.put("10.0.0.1");
  auto turn = [&](const char* entry, const char* value) {
    pending_write write;
    caf::anon_send(node.context->actors.metadata.get(),
                   set_switch{entry, value, false, write.ticket()});
    node.settle();
    REQUIRE(write.code() == ec::none);
  };
  turn("check", "false");
  node.prober->says["10.0.0.1"] = scripted_prober::refused();
  node.advance(20s);
  CHECK(node.prober->asked["10.0.0.1"] == 0);
  CHECK(node.shown("p") == "10.0.0.1+");
  turn("healthCheckWhiteList", "DEFAULT_GROUP@@p");
  node.advance(6s);
  CHECK(node.shown("p") == "10.0.0.1-");
  turn("healthCheckWhiteList", "");
  turn("check", "true");
  node.prober->says.clear();
  turn("healthCheckTimes", "1");
  node.advance(6s);
  CHECK(node.shown("p") == "10.0.0.1+");
}

TEST_CASE("health check: a target that may not be probed is not, and operators see why") {
  probing_node node;
  node.put("169.254.169.254");
  node.put("example.com");
  node.advance(20s);
  CHECK(node.prober->asked.empty());
  auto text = node.report();
  CHECK(text.find("its address is none that may be probed") != std::string::npos);
  CHECK(text.find("its address is a name") != std::string::npos);
}

TEST_CASE("health check: a name is looked up once, and where it leads is held to the policy") {
  auto opts = warm();
  opts.health.resolve_names = true;
  probing_node node(std::make_shared<memory_disk>(), opts);
  auto& prober = *node.prober;
  prober.leads_to = {{"well.example", "10.0.0.7"}, {"steals.example", "169.254.169.254"}};
  prober.says["10.0.0.8"] = scripted_prober::refused();
  for (auto name : {"well.example", "steals.example", "nowhere.example"})
    node.put(name);
  node.advance(10s);
  CHECK(prober.asked["well.example"] == 1);
  CHECK(prober.asked["10.0.0.7"] >= 2);
  prober.leads_to["well.example"] = "10.0.0.8"; // nobody looks
  node.advance(20s);
  CHECK(prober.asked["well.example"] == 1);
  CHECK(prober.asked.count("10.0.0.8") == 0);
  CHECK(prober.asked.count("169.254.169.254") == 0);
  CHECK(prober.asked["nowhere.example"] == 1);
  auto text = node.report();
  CHECK(text.find("\"address\":\"10.0.0.7\"") != std::string::npos);
  CHECK(text.find("its address is none that may be probed") != std::string::npos);
  CHECK(text.find("its name leads to no address") != std::string::npos);
  node.deregister("p", "well.example", false);
  node.put("well.example");
  node.advance(10s);
  CHECK(node.shown("p").find("well.example-") != std::string::npos);
}

TEST_CASE("health check: since when one is dead is known after a restart, and can be asked for") {
  auto disk = std::make_shared<memory_disk>();
  {
    probing_node node(disk);
    node.prober->says["10.0.0.1"] = scripted_prober::refused();
    node.put("10.0.0.1");
    node.put("10.0.0.2");
    node.advance(90s);
    CHECK(node.dead_for(60s) == 1);
    CHECK(node.dead_for(120s) == 0);
    CHECK(node.dead_for(0s) == 1);
    CHECK(node.reported("found") == 2);
  }
  probing_node node(disk);
  node.prober->says["10.0.0.1"] = scripted_prober::refused();
  CHECK(node.shown("p") == "10.0.0.1- 10.0.0.2+");
  node.advance(5s);
  CHECK(node.report().find("\"unhealthySince\":17000") != std::string::npos);
}

TEST_CASE("health check: one that takes the place of a failed one goes on") {
  probing_node node;
  node.put("10.0.0.1");
  node.put("10.0.0.2");
  node.advance(5s);
  caf::anon_send_exit(node.context->actors.health.get(), caf::exit_reason::kill);
  node.prober->says["10.0.0.1"] = scripted_prober::refused();
  node.advance(6s);
  CHECK(node.shown("p") == "10.0.0.1- 10.0.0.2+");
  CHECK(node.reported("targets") == 2);
}

TEST_CASE("health check: a node that finds nearly all dead at once waits before it believes it") {
  probing_node node;
  node.silence_many();
  node.advance(20s);
  CHECK(node.shown("p").find('-') == std::string::npos);
  CHECK(node.reported("failing") == 30);
  CHECK(node.report().find("\"suspectsItself\":true") != std::string::npos);
  // Half of them answer: the others are dead.
  for (int i = 1; i <= 15; ++i)
    node.prober->says.erase("10.0.0." + std::to_string(i));
  node.advance(10s);
  CHECK(node.shown("p").find("10.0.0.1+") != std::string::npos);
  CHECK(node.shown("p").find("10.0.0.30-") != std::string::npos);
  CHECK(node.report().find("\"suspectsItself\":false") != std::string::npos);
}

TEST_CASE("health check: what stays dead for long is believed") {
  probing_node node;
  node.silence_many();
  node.advance(60s);
  CHECK(node.shown("p").find('+') == std::string::npos);
}

TEST_CASE("health check of a cluster: one node asks each target, and another when that is gone") {
  simulated_cluster cluster(1);
  for (auto& x : cluster.nodes)
    x.prober = std::make_shared<scripted_prober>();
  cluster.start_all();
  std::string all;
  for (int i = 1; i <= 12; ++i) {
    auto ip = "10.0.0." + std::to_string(i);
    cluster.register_instance(0, "p", ip, {}, false);
    cluster.run(50ms);
  }
  cluster.run(10s);
  auto askers = [&](const std::string& ip) {
    std::set<std::size_t> found;
    for (std::size_t i = 0; i < 3; ++i)
      if (cluster.nodes[i].prober->asked.count(ip) != 0)
        found.insert(i);
    return found;
  };
  std::set<std::size_t> busy;
  for (int i = 1; i <= 12; ++i) {
    auto found = askers("10.0.0." + std::to_string(i));
    CHECK(found.size() == 1);
    busy.merge(found);
  }
  CHECK(busy.size() == 3);
  auto ip = std::string("10.0.0.1");
  auto owner = *askers(ip).begin();
  for (auto& x : cluster.nodes)
    x.prober->says[ip] = scripted_prober::silent();
  CHECK(cluster.run_until(
    [&] {
      for (std::size_t i = 0; i < 3; ++i)
        if (cluster.shown(i, "p").find(ip + '-') == std::string::npos)
          return false;
      return true;
    },
    10s));
  cluster.crash(owner);
  CHECK(cluster.run_until([&] { return askers(ip).size() == 2; }, 10s + 4s));
  for (auto& x : cluster.nodes)
    x.prober->says.clear();
  CHECK(cluster.run_until(
    [&] { return cluster.shown((owner + 1) % 3, "p").find(ip + '+') != std::string::npos; }, 10s));
}

namespace {

/// Three nodes with thirty targets each, about; those of the first one fail.
class doubting_cluster : public simulated_cluster {
public:
  doubting_cluster() : simulated_cluster(1) {
    for (auto& x : nodes)
      x.prober = std::make_shared<scripted_prober>();
    start_all();
    for (int i = 1; i <= 90; ++i)
      register_instance(0, "p", ip(i), {}, false);
    run(10s);
    for (int i = 1; i <= 90; ++i)
      if (prober(0).asked.count(ip(i)) != 0)
        own.push_back(ip(i));
    for (auto& x : own)
      prober(0).says[x] = scripted_prober::silent();
  }

  scripted_prober& prober(std::size_t i) { return *nodes[i].prober; }

  /// How often the others probed what the first node is responsible for.
  int asked_elsewhere() {
    int sum = 0;
    for (auto& x : own)
      sum += prober(1).asked[x] + prober(2).asked[x];
    return sum;
  }

  bool all_dead(std::size_t i) {
    auto seen = shown(i, "p");
    return std::all_of(own.begin(), own.end(),
                       [&](auto& x) { return seen.find(x + '-') != std::string::npos; });
  }

  std::vector<std::string> own;

private:
  static std::string ip(int i) { return "10.0.1." + std::to_string(i); }
};

} // namespace

TEST_CASE("health check: what another node finds well is kept as long as it says so") {
  doubting_cluster cluster;
  REQUIRE(cluster.own.size() >= 20);
  CHECK(cluster.asked_elsewhere() == 0);
  cluster.run(90s);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(cluster.shown(i, "p").find('-') == std::string::npos);
  auto asked = cluster.asked_elsewhere();
  CHECK(asked >= 3);
  CHECK(asked <= 3 * 18);
}

TEST_CASE("health check: what another node finds dead too is believed at once") {
  doubting_cluster cluster;
  for (auto& x : cluster.own)
    for (std::size_t i = 1; i < 3; ++i)
      cluster.prober(i).says[x] = scripted_prober::silent();
  CHECK(cluster.run_until([&] { return cluster.all_dead(2); }, 15s));
  CHECK(cluster.asked_elsewhere() >= 3);
}

TEST_CASE("health check: a second doubt is as long as the first") {
  probing_node node;
  node.silence_many();
  node.advance(20s);
  node.prober->says.clear();
  node.advance(60s);
  CHECK(node.reported("failing") == 0);
  node.silence_many();
  node.advance(10s);
  CHECK(node.shown("p").find('-') == std::string::npos);
}
