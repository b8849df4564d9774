#include "actors/tables/service_view.hpp"

#include "actors/naming/service_table.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/push_packet.hpp"
#include "tests/kit/times.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace nacre;
using namespace nacre::test;

namespace {

/// The text of a value with the members of objects in order, so that answers can be compared.
std::string ordered(const json_value& x) {
  std::string text;
  if (x.is_object()) {
    auto members = x.members();
    std::sort(members.begin(), members.end(), [](auto& a, auto& b) { return a.first < b.first; });
    for (auto& [key, value] : members)
      text += (text.empty() ? "\"" : ",\"") + std::string(key) + "\":" + ordered(value);
    return "{" + text + "}";
  }
  if (x.is_array()) {
    for (auto& value : x.elements())
      text += (text.empty() ? "" : ",") + ordered(value);
    return "[" + text + "]";
  }
  if (x.is_null())
    return "null";
  if (auto string = x.string())
    return "\"" + std::string(*string) + "\"";
  return x.scalar_text().value_or("nothing");
}

std::string ordered(std::string_view json) {
  json_document document(json);
  REQUIRE(document.error() == "");
  return ordered(document.root());
}

/// A service filled by hand, as lists show it.
struct builder {
  explicit builder(service_key_view name) : key(make_service_ref(name)), table(key, wall_at(0)) {}

  builder& add(const instance& x) {
    client_id owner{x.ip, x.port, x.ephemeral ? client_kind::ephemeral : client_kind::persistent};
    table.publish(make_publication(make_lease(key, owner, at(0)), {x}), wall_at(0));
    return *this;
  }

  builder& add(const std::string& ip, bool healthy = true, bool enabled = true,
               const std::string& cluster = "DEFAULT") {
    instance x;
    x.ip = ip;
    x.port = 8080;
    x.healthy = healthy;
    x.enabled = enabled;
    x.cluster_name = cluster;
    x.generator = id_generator::simple;
    return add(x);
  }

  builder& store(double threshold) {
    auto metadata = std::make_shared<service_metadata>();
    metadata->protect_threshold = threshold;
    table.set_stored(nullptr, metadata, wall_at(0));
    return *this;
  }

  builder& override_with(const std::map<std::string, instance_override>& overrides) {
    override_table stored;
    for (auto& [id, x] : overrides)
      stored[id] = std::make_shared<const instance_override>(x);
    table.set_stored(std::make_shared<const override_table>(std::move(stored)), nullptr,
                     wall_at(0));
    return *this;
  }

  service_view_ptr view() const { return table.make_view(); }

  service_ref key;
  service_table table;
};

const service_key_view key_s{"public", "DEFAULT_GROUP", "s"};

/// `last octet` with `+` or `-` for the shown health of each instance, in order.
std::string shown(const selection_result& chosen) {
  std::string text;
  for (auto& x : chosen.instances)
    text += x.effective.ip.str().substr(x.effective.ip.view().rfind('.') + 1)
            + (x.shown_healthy ? "+" : "-");
  return text;
}

} // namespace

TEST_CASE("lists hold the clusters asked for, all if none (ServiceUtil.selectInstances)") {
  builder b(key_s);
  b.add("10.0.0.1", true, true, "c0").add("10.0.0.2", true, true, "c1");
  b.add("10.0.0.3", true, true, "c2").add("10.0.0.4", true, true, "c1");
  auto view = b.view();
  struct row {
    std::string_view clusters, chosen;
  };
  const row rows[] = {
    {"", "1+2+3+4+"},
    {"c1", "2+4+"},
    {"c1,c0", "1+2+4+"},
    {"c1,", "2+4+"},
    {",c1", "2+4+"},
    {"c1,c1", "2+4+"},
    {"C1", ""},
    {"c", ""},
    {"c3", ""},
    {"c3,c2", "3+"},
    {"c0,c1,c2", "1+2+3+4+"},
    {",", "1+2+3+4+"}, // Java's split gives no part at all, which means all clusters
  };
  for (auto& x : rows) {
    CAPTURE(x.clusters);
    CHECK(shown(view->select({x.clusters, false, true})) == x.chosen);
  }
}

TEST_CASE("disabled instances are shown to operators only, unhealthy ones unless asked not to") {
  builder b(key_s);
  b.add("10.0.0.1").add("10.0.0.2", false).add("10.0.0.3", true, false);
  b.add("10.0.0.4", false, false);
  auto view = b.view();
  CHECK(shown(view->select({"", false, true})) == "1+2-");
  CHECK(shown(view->select({"", true, true})) == "1+");
  CHECK(shown(view->select({"", false, false})) == "1+2-3+4-");
  CHECK(shown(view->select({"", true, false})) == "1+3+");
}

TEST_CASE("protection shows all as healthy when too few are") {
  struct row {
    const char* about;
    double threshold;
    unsigned healthy, unhealthy;
    bool healthy_only;
    bool reached;
  };
  const row rows[] = {
    {"no instance: 0/0 is no number", 0.5, 0, 0, false, false},
    {"no instance at threshold 1", 1.0, 0, 0, false, false},
    {"threshold 0 with all unhealthy: 0 <= 0", 0.0, 0, 3, false, true},
    {"threshold 0 with one healthy", 0.0, 1, 3, false, false},
    {"a negative threshold counts as 0", -1.0, 0, 3, false, true},
    {"a negative threshold with one healthy", -1.0, 1, 3, false, false},
    {"just at the threshold", 0.5, 2, 2, false, true},
    {"just above it", 0.5, 3, 2, false, false},
    {"just below it", 0.5, 2, 3, false, true},
    {"a third is no more than 0.34", 0.34, 1, 2, false, true},
    {"a third is more than 0.33", 0.33, 1, 2, false, false},
    {"0.7 is met exactly by 7 of 10", 0.7, 7, 3, false, true},
    {"all healthy at threshold 1", 1.0, 3, 0, false, true},
    {"all healthy below 1", 0.99, 3, 0, false, false},
    {"healthy ones only: all of them are healthy", 0.9, 1, 3, true, false},
    {"healthy ones only at threshold 1: reached, adds nothing", 1.0, 1, 3, true, true},
    {"healthy ones only and none: 0/0", 0.5, 0, 3, true, false},
  };
  for (auto& x : rows) {
    CAPTURE(x.about);
    builder b(key_s);
    for (unsigned i = 0; i < x.healthy + x.unhealthy; ++i)
      b.add("10.0.0." + std::to_string(i), i < x.healthy);
    auto plain = b.view()->select({"", x.healthy_only, true});
    CHECK_FALSE(plain.reaches_protection); // without stored metadata nothing protects
    auto chosen = b.store(x.threshold).view()->select({"", x.healthy_only, true});
    CHECK(chosen.reaches_protection == x.reached);
    CHECK(chosen.instances.size() == x.healthy + (x.healthy_only ? 0 : x.unhealthy));
    std::size_t looks_healthy = 0;
    std::size_t is_healthy = 0;
    for (auto& one : chosen.instances) {
      looks_healthy += one.shown_healthy ? 1 : 0;
      is_healthy += one.effective.healthy ? 1 : 0;
    }
    CHECK(looks_healthy == (x.reached ? chosen.instances.size() : x.healthy));
    CHECK(is_healthy == x.healthy); // only the show changes
  }
}

TEST_CASE("protection counts what is left after clusters and disabled ones are taken out") {
  builder b(key_s);
  b.add("10.0.0.1", true, true, "a").add("10.0.0.2", true, true, "a");
  b.add("10.0.0.3", false, true, "b").add("10.0.0.4", true, true, "b");
  b.add("10.0.0.5", true, false, "b").add("10.0.0.6", true, false, "b");
  auto view = b.store(0.5).view();
  CHECK(shown(view->select({"", false, true})) == "1+2+3-4+");
  CHECK(shown(view->select({"b", false, true})) == "3+4+");
  CHECK(view->select({"b", false, true}).reaches_protection);
  // Operators see the disabled ones, which count then.
  CHECK_FALSE(view->select({"b", false, false}).reaches_protection);
  CHECK(shown(view->select({"b", false, false})) == "3-4+5+6+");
}

TEST_CASE("overrides decide weight, enabled and metadata of lists (InstanceUtil)") {
  builder b(key_s);
  b.add("10.0.0.1").add("10.0.0.2", true, false).add("10.0.0.3", true, true, "c");
  auto view = b.override_with({{"10.0.0.1:8080:DEFAULT", {1.0, false, {}}},
                               {"10.0.0.2:8080:DEFAULT", {7.5, true, {{"k", "v"}}}},
                               {"10.0.0.3:8080:DEFAULT", {9.0, false, {}}}}) // another cluster's
                .view();
  auto chosen = view->select({"", false, true});
  REQUIRE(shown(chosen) == "2+3+");
  CHECK(chosen.instances[0].effective.weight == 7.5);
  CHECK(chosen.instances[0].effective.metadata == metadata_map{{"k", "v"}});
  CHECK(chosen.instances[1].effective.weight == 1.0);
}

TEST_CASE("an instance is found by address and cluster, with its overrides, of either kind") {
  builder b(key_s);
  b.add("10.0.0.1", true, false, "c1");
  b.override_with({{"10.0.0.1:8080:c1", {3.0, true, {}}}});
  auto view = b.view();
  REQUIRE(view->find_instance("10.0.0.1", 8080, "c1"));
  CHECK(view->find_instance("10.0.0.1", 8080, "c1")->weight == 3.0);
  CHECK(view->find_instance("10.0.0.1", 8080, "c1")->enabled);
  CHECK_FALSE(view->find_instance("10.0.0.1", 8080, "DEFAULT"));
  CHECK_FALSE(view->find_instance("10.0.0.1", 8081, "c1"));
  CHECK_FALSE(view->find_instance("10.0.0.2", 8080, "c1"));
  builder persistent(key_s);
  instance x;
  x.ip = "10.0.0.1";
  x.port = 8080;
  x.ephemeral = false;
  persistent.add(x);
  REQUIRE(persistent.view()->find_instance("10.0.0.1", 8080, "DEFAULT"));
  CHECK_FALSE(persistent.view()->find_instance("10.0.0.1", 8080, "DEFAULT")->ephemeral);
}

TEST_CASE("a selection is what picking by hand gives, for any service") {
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    builder b(key_s);
    std::vector<instance> all;
    for (auto n = rng() % 12; n > 0; --n) {
      instance x;
      x.ip = "10.0.0." + std::to_string(100 + n); // in order of the client ids
      x.port = 80;
      x.healthy = rng() % 2;
      x.enabled = rng() % 4;
      x.cluster_name = "c" + std::to_string(rng() % 3);
      b.add(x);
      all.insert(all.begin(), x);
    }
    double threshold = static_cast<double>(rng() % 14) / 10 - 0.2;
    bool stored = rng() % 4;
    if (stored)
      b.store(threshold);
    auto view = b.view();
    for (int query = 0; query < 8; ++query) {
      std::set<std::string> clusters;
      std::string text;
      for (auto n = rng() % 3; n > 0; --n) {
        auto cluster = "c" + std::to_string(rng() % 4);
        clusters.insert(cluster);
        text += (text.empty() ? "" : ",") + cluster;
      }
      bool healthy_only = rng() % 2;
      bool enabled_only = rng() % 2;
      std::vector<instance> rows;
      double healthy = 0;
      for (auto& x : all)
        if ((clusters.empty() || clusters.count(x.cluster_name)) && (!enabled_only || x.enabled)
            && (!healthy_only || x.healthy)) {
          rows.push_back(x);
          healthy += x.healthy ? 1 : 0;
        }
      bool reached = stored && !rows.empty()
                     && healthy / static_cast<double>(rows.size()) <= std::max(threshold, 0.0);
      std::string expected;
      for (auto& x : rows)
        expected += x.ip.str().substr(7) + (x.healthy || reached ? "+" : "-");
      auto chosen = view->select({text, healthy_only, enabled_only});
      CAPTURE(seed);
      REQUIRE(shown(chosen) == expected);
      REQUIRE(chosen.reaches_protection == reached);
    }
  }
}

// -- rendering -----------------------------------------------------------------------------------

TEST_CASE("a list is the recorded answer (vectors v1/register-full)") {
  builder b({"public", "G1", "full-31"});
  instance x;
  x.ip = "10.0.0.2";
  x.port = 9001;
  x.weight = 2.5;
  x.cluster_name = "c1";
  x.generator = id_generator::simple;
  x.metadata = {{"a", "1"}, {"b", "two words"}, {"k", "中文"}};
  auto view = b.add(x).view();
  auto list = render_list(view->key->view(), "", render_hosts(view->key->view(), view->select({})),
                          10'000, wall_at(1795219402626));
  CHECK(ordered(list.json()) == ordered(R"({"allIPs":false,"cacheMillis":10000,"checksum":"",
    "clusters":"","groupName":"G1","hosts":[{"clusterName":"c1","enabled":true,"ephemeral":true,
    "healthy":true,"instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,
    "instanceId":"10.0.0.2#9001#c1#G1@@full-31","ip":"10.0.0.2","ipDeleteTimeout":30000,
    "metadata":{"a":"1","b":"two words","k":"中文"},"port":9001,"serviceName":"G1@@full-31",
    "weight":2.5}],"lastRefTime":1795219402626,"name":"G1@@full-31",
    "reachProtectionThreshold":false,"valid":true})"));
}

TEST_CASE("a list has the health as recorded (vectors v1/register-disabled-unhealthy)") {
  builder b({"public", "DEFAULT_GROUP", "du-28"});
  b.add("10.0.0.1", true, false).add("10.0.0.2", false).add("10.0.0.3");
  auto view = b.view();
  auto host = [](std::string_view ip, bool healthy) {
    return R"({"clusterName":"DEFAULT","enabled":true,"ephemeral":true,"healthy":)"
           + std::string(healthy ? "true" : "false")
           + R"(,"instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,"instanceId":")"
           + std::string(ip) + R"(#8080#DEFAULT#DEFAULT_GROUP@@du-28",)"
           + R"("instanceIdGenerator":"simple","ip":")" + std::string(ip)
           + R"(","ipDeleteTimeout":30000,"metadata":{},"port":8080,)"
           + R"("serviceName":"DEFAULT_GROUP@@du-28","weight":1.0})";
  };
  auto answer = [](const std::string& hosts, std::string_view time) {
    return R"({"allIPs":false,"cacheMillis":10000,"checksum":"","clusters":"",)"
           R"("groupName":"DEFAULT_GROUP","hosts":[)"
           + hosts + R"(],"lastRefTime":)" + std::string(time)
           + R"(,"name":"DEFAULT_GROUP@@du-28","reachProtectionThreshold":false,"valid":true})";
  };
  auto list = render_list(view->key->view(), "",
                          render_hosts(view->key->view(), view->select({"", false, true})), 10'000,
                          wall_at(1795219402648));
  CHECK(
    ordered(list.json())
    == ordered(answer(host("10.0.0.2", false) + "," + host("10.0.0.3", true), "1795219402648")));
  CHECK(list.array->count == 2);
  list = render_list(view->key->view(), "",
                     render_hosts(view->key->view(), view->select({"", true, true})), 10'000,
                     wall_at(1795219402661));
  CHECK(ordered(list.json()) == ordered(answer(host("10.0.0.3", true), "1795219402661")));
  CHECK(list.array->count == 1);
}

TEST_CASE("reserved metadata is told as recorded (vectors v1/register-preserved)") {
  builder b({"public", "DEFAULT_GROUP", "pres-41"});
  instance x;
  x.ip = "10.0.0.5";
  x.port = 8080;
  x.healthy = false;
  x.generator = id_generator::simple;
  x.metadata = {{"preserved.heart.beat.interval", "1000"},
                {"preserved.heart.beat.timeout", "3000"},
                {"preserved.instance.id.generator", "simple"},
                {"preserved.ip.delete.timeout", "6000"}};
  auto view = b.add(x).view();
  auto list = render_list(view->key->view(), "", render_hosts(view->key->view(), view->select({})),
                          10'000, wall_at(1795219407685));
  CHECK(ordered(list.json()) == ordered(R"({"allIPs":false,"cacheMillis":10000,"checksum":"",
    "clusters":"","groupName":"DEFAULT_GROUP","hosts":[{"clusterName":"DEFAULT","enabled":true,
    "ephemeral":true,"healthy":false,"instanceHeartBeatInterval":1000,
    "instanceHeartBeatTimeOut":3000,"instanceId":"10.0.0.5#8080#DEFAULT#DEFAULT_GROUP@@pres-41",
    "instanceIdGenerator":"simple","ip":"10.0.0.5","ipDeleteTimeout":6000,"metadata":{
    "preserved.heart.beat.interval":"1000","preserved.heart.beat.timeout":"3000",
    "preserved.instance.id.generator":"simple","preserved.ip.delete.timeout":"6000"},"port":8080,
    "serviceName":"DEFAULT_GROUP@@pres-41","weight":1.0}],"lastRefTime":1795219407685,
    "name":"DEFAULT_GROUP@@pres-41","reachProtectionThreshold":false,"valid":true})"));
}

TEST_CASE("an empty list has all keys and echoes the clusters (v1/list-missing-service)") {
  auto list = render_list({"nons", "DEFAULT_GROUP", "none-13"}, "c1,c2",
                          std::make_shared<const rendered_hosts>(), 10'000, wall_at(1795219401604));
  CHECK(list.json()
        == R"({"name":"DEFAULT_GROUP@@none-13","groupName":"DEFAULT_GROUP","clusters":"c1,c2",)"
           R"("cacheMillis":10000,"hosts":[],"lastRefTime":1795219401604,"checksum":"",)"
           R"("allIPs":false,"reachProtectionThreshold":false,"valid":true})");
  CHECK(list.hosts() == "[]");
  CHECK(list.array->count == 0);
  CHECK_FALSE(list.array->reaches_protection);
}

TEST_CASE("the place of the hosts in a list is told, whatever stands before it") {
  builder b({"public", "G", "s"});
  b.add("10.0.0.1").add("10.0.0.2");
  for (std::string_view clusters : {"", "DEFAULT", "\"hosts\":[],", "中,\\"}) {
    CAPTURE(clusters);
    auto view = b.view();
    auto chosen = view->select({"", false, true});
    auto list = render_list(view->key->view(), clusters, render_hosts(view->key->view(), chosen), 1,
                            wall_at(2));
    json_document hosts(list.hosts());
    CHECK(hosts.root().elements().size() == 2);
    json_document whole(list.json());
    CHECK(ordered(whole.root()["hosts"]) == ordered(hosts.root()));
    CHECK(whole.root()["clusters"].string() == clusters);
  }
}

TEST_CASE("a push is the recorded one: no groupName (PushExecutorUdpImpl, vectors udp-acked)") {
  builder b({"public", "DEFAULT_GROUP", "udp-acked"});
  instance x;
  x.ip = "10.2.0.1";
  x.port = 80;
  x.generator = id_generator::simple;
  auto view = b.add(x).view();
  auto list = render_list(view->key->view(), "", render_hosts(view->key->view(), view->select({})),
                          10'000, wall_at(1795220027850));
  auto push = render_push(view->key->view(), "", list, 10'000, wall_at(1795220027850));
  CHECK(push
        == R"({"name":"DEFAULT_GROUP@@udp-acked","clusters":"","cacheMillis":10000,"hosts":[)"
           R"({"instanceId":"10.2.0.1#80#DEFAULT#DEFAULT_GROUP@@udp-acked","ip":"10.2.0.1",)"
           R"("port":80,"weight":1.0,"healthy":true,"enabled":true,"ephemeral":true,)"
           R"("clusterName":"DEFAULT","serviceName":"DEFAULT_GROUP@@udp-acked","metadata":{},)"
           R"("instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,)"
           R"("ipDeleteTimeout":30000,"instanceIdGenerator":"simple"}],)"
           R"("lastRefTime":1795220027850,"checksum":"","allIPs":false,)"
           R"("reachProtectionThreshold":false,"valid":true})");
  CHECK(make_push_packet(push, 1962570661899)->size() == 644); // `bytes` of the recording
}

TEST_CASE("a push tells of protection as the list does") {
  builder b(key_s);
  auto view = b.add("10.0.0.1", false).store(0.5).view();
  auto list = view->rendered({}, 10'000);
  CHECK(list->array->reaches_protection);
  json_document push(render_push(key_s, "c", *list, 10'000, wall_at(7)));
  auto root = push.root();
  CHECK(root["reachProtectionThreshold"].boolean() == true);
  CHECK(root["hosts"].elements().at(0)["healthy"].boolean() == true);
  CHECK(root["clusters"].string() == "c");
  CHECK(root["lastRefTime"].number() == 7.0);
  CHECK_FALSE(root["groupName"]);
}

// -- sharing -------------------------------------------------------------------------------------

TEST_CASE("a list is rendered once per revision and shared by all its views") {
  builder b(key_s);
  auto first = b.add("10.0.0.1").view();
  auto list = first->rendered({}, 10'000);
  CHECK(first->rendered({}, 10'000) == list);
  CHECK(b.view()->rendered({}, 10'000) == list);
  // A subscriber makes a new view but no new revision.
  lease_ptr lease(make_lease(b.key, {"10.9.9.9", 1}, at(0)));
  b.table.subscribe(new subscriber(lease, {""}, "", ""));
  auto second = b.view();
  CHECK(second != first);
  CHECK(second->rendered({}, 10'000) == list);
  // A change does; the old view goes on giving the old list.
  auto third = b.add("10.0.0.2").view();
  auto changed = third->rendered({}, 10'000);
  CHECK(changed != list);
  CHECK(changed->array->count == 2);
  CHECK(first->rendered({}, 10'000) == list);
  CHECK(list->array->count == 1);
  CHECK(changed->json().find("\"lastRefTime\":" + std::to_string(to_ms(third->ref_time)))
        != std::string::npos);
}

TEST_CASE("each selection has a list of its own") {
  builder b(key_s);
  b.add("10.0.0.1").add("10.0.0.2", false).add("10.0.0.3", true, true, "c1");
  b.add("10.0.0.4", true, false);
  auto view = b.view();
  auto count = [&](instance_selection wanted) {
    return view->rendered(wanted, 10'000)->array->count;
  };
  CHECK(count({"", false, true}) == 3);
  CHECK(count({"", true, true}) == 2);
  CHECK(count({"c1", false, true}) == 1);
  CHECK(count({"DEFAULT", false, true}) == 2);
  CHECK(count({"", false, false}) == 4); // with the disabled ones
  CHECK(count({"", false, true}) == 3);
  CHECK(view->rendered({}, 20'000)->json().find("\"cacheMillis\":20000") != std::string::npos);
  CHECK(view->rendered({}, 10'000)->json().find("\"cacheMillis\":10000") != std::string::npos);
}

TEST_CASE("a caller who makes up clusters gets right lists, but only some of them are kept") {
  builder b(key_s);
  auto view = b.add("10.0.0.1").view();
  auto first = view->rendered({}, 10'000);
  std::set<rendered_list_ptr> kept;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 100; ++i) {
      auto clusters = "DEFAULT,x" + std::to_string(i);
      auto list = view->rendered({clusters, false, true}, 10'000);
      CHECK(list->array->count == 1);
      CHECK(list->json().find("\"clusters\":\"" + clusters + "\"") != std::string::npos);
      if (round == 1 && list.use_count() > 1)
        kept.insert(list);
    }
  CHECK(kept.size() == 15);
  CHECK(view->rendered({}, 10'000) == first);
}

TEST_CASE("of a large service, lists of clusters are kept that show each instance twice at most") {
  builder b(key_s);
  for (int i = 0; i < 10'000; ++i)
    b.add("10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250), true, true,
          "c" + std::to_string(i % 5));
  auto view = b.view();
  auto get = [&](const std::string& clusters) {
    return view->rendered({clusters, false, true}, 10'000);
  };
  auto is_kept = [&](const std::string& clusters) {
    auto once = get(clusters);
    auto again = get(clusters);
    CHECK(once->hosts() == again->hosts());
    return once == again;
  };
  CHECK(is_kept("c0"));
  CHECK(is_kept("c1,c2,c3,c4"));
  CHECK(is_kept("c0,c2,c3,c4"));
  CHECK_FALSE(is_kept("c0,c1,c3,c4")); // 26,000 instances
  CHECK_FALSE(is_kept("c0,c1,c3,c4,made-up"));
  CHECK(is_kept("c1")); // 20,000
  CHECK_FALSE(is_kept("c2"));
  CHECK(get("c2")->array->count == 2'000);
  CHECK(is_kept(""));
  CHECK(is_kept("made-up"));
}

TEST_CASE("the list of all clusters is kept whatever others were asked for before") {
  builder b(key_s);
  for (int i = 0; i < 6; ++i)
    b.add("10.0.0." + std::to_string(i), true, true, "c" + std::to_string(i));
  auto view = b.view();
  auto get = [&](const std::string& clusters) {
    return view->rendered({clusters, false, true}, 10'000);
  };
  for (int i = 0; i < 6; ++i)
    for (int k = 0; k < i; ++k)
      get("c" + std::to_string(i) + ",c" + std::to_string(k));
  for (int i = 0; i < 6; ++i)
    get("c" + std::to_string(i));
  CHECK(get("")->hosts().data() == get("")->hosts().data());
}

TEST_CASE("callers who make up clusters share the bytes of the instances they get") {
  builder b(key_s);
  auto view = b.add("10.0.0.1").add("10.0.0.2", true, true, "c1").view();
  auto bytes = [&](const std::string& clusters) {
    return view->rendered({clusters, false, true}, 10'000)->hosts().data();
  };
  for (int i = 0; i < 100; ++i) {
    auto made_up = "x" + std::to_string(i);
    CHECK(bytes("c1," + made_up) == bytes("c1"));
    CHECK(bytes(made_up + ",DEFAULT,c1") == bytes(""));
    CHECK(view->rendered({made_up, false, true}, 10'000)->hosts() == "[]");
  }
  CHECK(bytes("c1") != bytes("DEFAULT"));
}
