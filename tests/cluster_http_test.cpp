// The HTTP side of nodes in a cluster: the router of each node of a simulated cluster.
#include "http/server/router.hpp"
#include "protocol/json_reader.hpp"
#include "tests/kit/request_of.hpp"
#include "tests/kit/simulated_cluster.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

/// Keeps the answer that comes later.
struct keeping_sink final : reply_sink {
  void post(reply x) override { answer = std::move(x); }
  std::optional<reply> answer;
};

struct response {
  unsigned status = 0;
  std::string text;

  bool has(std::string_view part) const { return text.find(part) != text.npos; }
};

/// The answer as JSON; broken JSON fails the test.
struct parsed {
  explicit parsed(const response& x) : document(x.text), root(document.root()) {
    CAPTURE(x.text);
    REQUIRE(document.error().empty());
  }
  json_document document;
  json_value root;
};

std::string text_of(const json_value& x) { return std::string(x.string().value_or("")); }

class cluster_api : public simulated_cluster {
public:
  explicit cluster_api(std::size_t count = 3) : simulated_cluster(1, count) {}

  /// Starts all nodes and has them find each other.
  cluster_api& run_all() {
    start_all();
    return *this;
  }

  response ask(std::size_t i, http_method method, std::string_view target) {
    auto context = nodes[i].context;
    router routes({context, [context] { return context->cluster->serves(); }, "10.1.1.1",
                   wall_at(1'700'000'000'000)},
                  nullptr);
    auto sink = std::make_shared<keeping_sink>();
    auto answer = routes.handle(request_of(method, "METHOD", target), sink);
    if (!answer) {
      REQUIRE(run_until([&] { return sink->answer.has_value(); }, 5s));
      answer = std::move(sink->answer);
    }
    return {answer->status, body_of(*answer)};
  }

  response get(std::size_t i, std::string_view target) { return ask(i, http_method::get, target); }

  const std::string& address(std::size_t i) const { return nodes[i].address; }
};

} // namespace

// -- /nacre/admin/cluster ------------------------------------------------------------------------

TEST_CASE("/nacre/admin/cluster shows the ring, every member, and what is exchanged with it") {
  cluster_api cluster;
  cluster.run_all().register_instance(1, "s", "1.1.1.1");
  cluster.run(2s);
  parsed x(cluster.get(0, "/nacre/admin/cluster"));
  CHECK(text_of(x.root["mode"]) == "cluster");
  CHECK(text_of(x.root["self"]) == cluster.address(0));
  CHECK(x.root["loaded"].boolean() == true);
  CHECK(x.root["rejoining"].boolean() == false);
  CHECK(x.root["quorumContact"].boolean() == true);
  CHECK(x.root["ring"].elements().size() == 3);
  CHECK(x.root["records"]["alive"].number() == 1);
  auto members = x.root["members"].elements();
  REQUIRE(members.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(text_of(members[i]["address"]) == cluster.address(i));
    CHECK(text_of(members[i]["state"]) == "UP");
    CHECK(static_cast<bool>(members[i]["peer"]) == (i != 0));
  }
  CHECK(members[1]["peer"]["connected"].boolean() == true);
  CHECK(members[1]["peer"]["pendingTasks"].number() == 0);
  CHECK(members[1]["peer"]["differingBuckets"].number() == 0);
  cluster.crash(2);
  cluster.run(12s);
  parsed later(cluster.get(0, "/nacre/admin/cluster"));
  CHECK(text_of(later.root["members"].elements()[2]["state"]) == "DOWN");
  CHECK(later.root["ring"].elements().size() == 2);
  CHECK(later.root["ringNumber"].number() > x.root["ringNumber"].number());
}

TEST_CASE("/nacre/admin/cluster/diff says that all nodes hold the same") {
  cluster_api cluster;
  cluster.run_all().register_instance(1, "s", "1.1.1.1");
  auto client = cluster.connect(2);
  cluster.publish(client, "s", "2.2.2.2");
  cluster.run(2s);
  for (std::string_view name : {"s", "DEFAULT_GROUP@@s"}) {
    parsed x(cluster.get(0, "/nacre/admin/cluster/diff?service=" + std::string(name)));
    CHECK(x.root["equal"].boolean() == true);
    CHECK(x.root["records"].number() == 2);
    CHECK(text_of(x.root["service"]) == "DEFAULT_GROUP@@s");
    CHECK(x.root["nodes"].elements().size() == 2);
    for (auto& node : x.root["nodes"].elements()) {
      CHECK(node["answered"].boolean() == true);
      CHECK(node["equal"].boolean() == true);
      CHECK(node["records"].number() == 2);
      CHECK(node["differences"].elements().empty());
    }
  }
  // Another service by group and namespace: nobody has it, and all agree on that.
  parsed other(cluster.get(0, "/nacre/admin/cluster/diff?service=s&groupName=g&namespaceId=n"));
  CHECK(text_of(other.root["service"]) == "g@@s");
  CHECK(text_of(other.root["namespaceId"]) == "n");
  CHECK(other.root["equal"].boolean() == true);
  CHECK(other.root["records"].number() == 0);
  CHECK(cluster.get(0, "/nacre/admin/cluster/diff").status == 400);
}

TEST_CASE("/nacre/admin/cluster/diff names what differs: missing there, missing here, changed") {
  cluster_api cluster(2);
  cluster.run_all().register_instance(0, "s", "1.1.1.3");
  cluster.run(2s);
  cluster.cut(0, 1); // what is sent now is lost
  cluster.register_instance(0, "s", "1.1.1.1");
  cluster.register_instance(1, "s", "1.1.1.2");
  cluster.register_instance(1, "s", "1.1.1.3", {{"k", "v"}});
  cluster.run(50ms);
  cluster.net->heal();
  parsed x(cluster.get(0, "/nacre/admin/cluster/diff?service=s"));
  CHECK(x.root["equal"].boolean() == false);
  auto node = x.root["nodes"].elements().at(0);
  CHECK(text_of(node["node"]) == cluster.address(1));
  CHECK(node["answered"].boolean() == true);
  CHECK(node["equal"].boolean() == false);
  auto found = node["differences"].elements();
  REQUIRE(found.size() == 3);
  CHECK(text_of(found[0]["client"]) == "1.1.1.1:80");
  CHECK(text_of(found[0]["what"]) == "missing there");
  CHECK(text_of(found[0]["here"]["state"]) == "healthy");
  CHECK(text_of(found[0]["here"]["instances"].elements().at(0)) == "1.1.1.1:80:DEFAULT");
  CHECK_FALSE(found[0]["there"]);
  CHECK(text_of(found[1]["client"]) == "1.1.1.2:80");
  CHECK(text_of(found[1]["what"]) == "missing here");
  CHECK(text_of(found[2]["client"]) == "1.1.1.3:80");
  CHECK(text_of(found[2]["what"]) == "differs");
  CHECK(found[2]["here"]["version"].number() < found[2]["there"]["version"].number());
  // The next verify finds it.
  cluster.run(6s);
  CHECK(cluster.get(0, "/nacre/admin/cluster/diff?service=s").has(R"("equal":true)"));
}

TEST_CASE("/nacre/admin/cluster/diff names the nodes that do not answer") {
  cluster_api cluster;
  cluster.run_all().register_instance(0, "s", "1.1.1.1");
  cluster.run(2s);
  cluster.cut(0, 1); // the link seems open: only patience tells
  cluster.crash(2);
  parsed x(cluster.get(0, "/nacre/admin/cluster/diff?service=s"));
  CHECK(x.root["equal"].boolean() == false);
  auto found = x.root["nodes"].elements();
  REQUIRE(found.size() == 2);
  for (auto& node : found) {
    CHECK(node["answered"].boolean() == false);
    CHECK_FALSE(node["differences"]);
  }
  // Nobody can be asked: the answer is there at once.
  cluster.run(20s);
  CHECK(cluster.get(0, "/nacre/admin/cluster/diff?service=s").has(R"("equal":false)"));
}

TEST_CASE("a stand-alone node has a small answer to questions about its cluster") {
  auto context = std::make_shared<node_context>(options{}, 1);
  router routes({context, [] { return true; }, "10.1.1.1"}, nullptr);
  auto body_of = [&](std::string_view uri, std::string_view query = "") {
    http_request request;
    request.uri = uri;
    request.query = query;
    request.remote_ip = std::make_shared<const std::string>("10.9.9.9");
    return routes.handle(request, std::make_shared<keeping_sink>())->body;
  };
  CHECK(body_of("/nacre/admin/cluster") == R"({"mode":"standalone"})");
  CHECK(body_of("/nacre/admin/cluster/diff", "service=s")
        == R"({"mode":"standalone","equal":true})");
  CHECK(body_of("/nacos/v1/core/cluster/simple/nodes")
        == R"({"code":200,"message":null,"data":["10.1.1.1:8848"]})");
  CHECK(body_of("/nacos/v1/ns/operator/servers").find("no such api:GET:") != std::string::npos);
}

// -- Nacos' endpoints ----------------------------------------------------------------------------

TEST_CASE("the members are listed as the reference lists its own (NacosClusterController)") {
  cluster_api cluster;
  cluster.run_all();
  cluster.crash(2);
  cluster.run(12s);
  auto states = [&](std::string_view target, auto... path) {
    parsed x(cluster.get(0, target));
    auto list = x.root;
    ((list = list[path]), ...);
    std::string text;
    for (auto& one : list.elements())
      text += text_of(one["address"]) + ' ' + text_of(one["state"]) + ';';
    return text;
  };
  std::string all = "10.0.0.1:8848 UP;10.0.0.2:8848 UP;10.0.0.3:8848 DOWN;";
  CHECK(states("/nacos/v1/core/cluster/nodes", "data") == all);
  CHECK(states("/nacos/v1/core/cluster/nodes?keyword=10.0.0.2", "data") == "10.0.0.2:8848 UP;");
  CHECK(states("/nacos/v2/core/cluster/node/list", "data") == all);
  CHECK(states("/nacos/v2/core/cluster/node/list?state=down", "data") == "10.0.0.3:8848 DOWN;");
  CHECK(states("/nacos/v3/admin/core/cluster/node/list?address=10.0.0.1", "data")
        == "10.0.0.1:8848 UP;");
  CHECK(states("/nacos/v1/ns/operator/servers", "servers") == all);
  CHECK(states("/nacos/v1/ns/operator/servers?healthy=true", "servers")
        == "10.0.0.1:8848 UP;10.0.0.2:8848 UP;");
  CHECK(cluster.get(0, "/nacos/v1/core/cluster/simple/nodes")
          .has(R"(["10.0.0.1:8848","10.0.0.2:8848","10.0.0.3:8848"])"));
  for (std::string_view self : {"/nacos/v1/core/cluster/self", "/nacos/v2/core/cluster/node/self",
                                "/nacos/v3/admin/core/cluster/node/self"}) {
    parsed x(cluster.get(1, self));
    CHECK(text_of(x.root["data"]["address"]) == "10.0.0.2:8848");
    CHECK(text_of(x.root["data"]["ip"]) == "10.0.0.2");
    CHECK(x.root["data"]["port"].number() == 8848);
    CHECK(text_of(x.root["data"]["extendInfo"]["raftPort"]) == "0"); // nobody listens
  }
}

TEST_CASE("every node names the same responsible one (DistroMapper)") {
  cluster_api cluster;
  cluster.run_all();
  std::set<std::string> judges;
  for (int n = 1; n <= 20; ++n) {
    client_id id{"1.1.1." + std::to_string(n), 80, client_kind::ephemeral};
    auto responsible = std::string(cluster.nodes[0].context->cluster->now()->responsible_for(id));
    judges.insert(responsible);
    auto query = "?ip=" + id.ip + "&port=80";
    for (std::size_t i = 0; i < 3; ++i) {
      auto v1 = cluster.get(i, "/nacos/v1/ns/operator/distro/client" + query);
      CHECK(v1.text == "{\"responsibleServer\":\"" + responsible + "\"}");
      CHECK(cluster.get(i, "/nacos/v3/admin/ns/client/distro" + query).has(v1.text));
    }
  }
  CHECK(judges.size() == 3);
}

TEST_CASE("metrics count as responsible what a node is responsible for or holds itself") {
  cluster_api cluster;
  cluster.run_all();
  for (int n = 1; n <= 12; ++n)
    cluster.register_instance(static_cast<std::size_t>(n % 3), "s", "1.1.1." + std::to_string(n));
  auto a = cluster.connect(0);
  cluster.publish(a, "s", "2.2.2.2");
  auto b = cluster.connect(1);
  cluster.publish(b, "s", "2.2.2.3");
  cluster.run(3s);
  double clients = 0;
  double instances = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    parsed x(cluster.get(i, "/nacos/v1/ns/operator/metrics?onlyStatus=false"));
    CHECK(x.root["instanceCount"].number() == 14);
    CHECK(x.root["clientCount"].number() == 14);
    CHECK(x.root["connectionBasedClientCount"].number() == 2);
    CHECK(x.root["ephemeralIpPortClientCount"].number() == 12);
    auto responsible = x.root["responsibleClientCount"].number().value_or(0);
    CHECK(x.root["responsibleInstanceCount"].number() == responsible);
    clients += responsible;
    instances += x.root["responsibleInstanceCount"].number().value_or(0);
  }
  CHECK(clients == 14); // each client once
  CHECK(instances == 14);
}

// -- a node that starts --------------------------------------------------------------------------

TEST_CASE("a node is not ready before it holds what the others hold, and says so everywhere") {
  cluster_api cluster;
  cluster.start(0);
  REQUIRE_FALSE(cluster.ready(0));
  CHECK(cluster.get(0, "/nacos/v1/console/health/liveness").status == 200);
  CHECK(cluster.get(0, "/nacos/v1/console/health/readiness").status == 500);
  CHECK(cluster.get(0, "/nacos/v2/console/health/readiness").has("30000"));
  CHECK(cluster.get(0, "/nacos/v3/admin/core/state/readiness").has("30000"));
  CHECK(cluster.get(0, "/nacos/v3/console/health/readiness").status == 500);
  auto list = cluster.get(0, "/nacos/v1/ns/instance/list?serviceName=s");
  CHECK(list.status == 503);
  CHECK(list.has("server is STARTINGnow, detailed error message: "));
  CHECK(cluster.ask(0, http_method::post, "/nacos/v1/ns/instance?serviceName=s&ip=1.1.1.1&port=80")
          .status
        == 503);
  for (std::string_view path : {"/nacos/v2/ns/instance/list?serviceName=s",
                                "/nacos/v3/client/ns/instance/list?serviceName=s",
                                "/nacos/v3/admin/ns/instance/list?serviceName=s"}) {
    auto refused = cluster.get(0, path);
    CHECK(refused.status == 503);
    CHECK(refused.has("server is STARTINGnow"));
  }
  // What an operator looks at is there.
  CHECK(cluster.get(0, "/nacre/admin/cluster").has(R"("loaded":false)"));
  CHECK(cluster.get(0, "/nacos/v2/ns/operator/metrics").has(R"("status":"STARTING")"));
  CHECK(cluster.get(0, "/nacos/v1/core/cluster/health").has("STARTING"));
  REQUIRE(cluster.run_until([&] { return cluster.ready(0); }, 10s));
  CHECK(cluster.get(0, "/nacos/v1/console/health/readiness").status == 200);
  CHECK(cluster.get(0, "/nacos/v1/ns/instance/list?serviceName=s").status == 200);
  CHECK(cluster.get(0, "/nacos/v2/ns/instance/list?serviceName=s").status == 200);
}

// -- clients -------------------------------------------------------------------------------------

TEST_CASE("connections of other nodes are shown as connections, with the node that holds them") {
  cluster_api cluster;
  cluster.run_all();
  auto client = cluster.connect(1);
  cluster.publish(client, "s", "2.2.2.2");
  cluster.run(2s);
  auto& id = client.connection->info.id;
  CHECK(cluster.get(0, "/nacos/v2/ns/client/list").has('"' + id + '"'));
  for (bool v3 : {false, true}) {
    std::string base = v3 ? "/nacos/v3/admin/ns/client" : "/nacos/v2/ns/client";
    parsed x(cluster.get(0, base + "?clientId=" + id));
    auto data = x.root["data"];
    CHECK(text_of(data["clientId"]) == id);
    CHECK(text_of(data["clientType"]) == "connection");
    CHECK(text_of(data["clientIp"]) == "10.9.9.9");
    CHECK(data["clientPort"].scalar_text() == "1");
    CHECK(data["clientPort"].number().has_value() == v3);
    CHECK(text_of(data["node"]) == cluster.address(1));
    CHECK(cluster.get(0, base + "/publish/list?clientId=" + id).has("2.2.2.2"));
    CHECK(cluster.get(0, base + "/service/publisher/list?serviceName=s&ip=2.2.2.2&port=80")
            .has("\"clientId\":\"" + id + '"'));
  }
}

// -- what all nodes agree on ---------------------------------------------------------------------

namespace {

struct agreed_write {
  http_method method;
  std::string_view target;
};

/// Each changes something that all nodes agree on.
constexpr agreed_write agreed_writes[] = {
  {http_method::put, "/nacos/v1/ns/instance?serviceName=s&ip=1.1.1.1&port=80&weight=2"},
  {http_method::patch, "/nacos/v1/ns/instance?serviceName=s&ip=1.1.1.1&port=80&weight=3"},
  {http_method::put, "/nacos/v2/ns/instance?serviceName=s&ip=1.1.1.1&port=80&weight=4"},
  {http_method::put, "/nacos/v1/ns/instance/metadata/batch?serviceName=s&metadata=%7B%22a%22%3A1"
                     "%7D"},
  {http_method::post, "/nacos/v1/ns/service?serviceName=t"},
  {http_method::post, "/nacos/v2/ns/service?serviceName=u"},
  {http_method::put, "/nacos/v1/ns/service?serviceName=s&protectThreshold=0.5"},
  {http_method::put, "/nacos/v2/ns/service?serviceName=s"},
  {http_method::post, "/nacos/v1/console/namespaces?customNamespaceId=n&namespaceName=n"},
  {http_method::del, "/nacos/v1/console/namespaces?namespaceId=n"},
  {http_method::post, "/nacos/v2/console/namespace?namespaceId=m&namespaceName=m"},
  {http_method::post, "/nacos/v1/ns/instance?serviceName=p&ip=1.1.1.9&port=80&ephemeral=false"},
  {http_method::put, "/nacos/v2/ns/operator/switches?entry=pushEnabled&value=false"},
};

} // namespace

TEST_CASE("what one node is told all of them show") {
  cluster_api cluster;
  cluster.run_all().register_instance(0, "s", "1.1.1.1");
  cluster.run(1s);
  std::size_t turn = 0;
  for (auto& x : agreed_writes) {
    CAPTURE(x.target);
    CHECK(cluster.ask(turn++ % 3, x.method, x.target).status == 200);
    cluster.run(200ms); // the next is checked by what its node shows
  }
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    CHECK(cluster.get(i, "/nacos/v1/ns/instance/list?serviceName=s").has(R"("weight":4.0)"));
    CHECK(cluster.get(i, "/nacos/v1/ns/instance/list?serviceName=p").has("1.1.1.9"));
    for (auto name : {"t", "u"})
      CHECK(cluster.get(i, std::string("/nacos/v1/ns/service?serviceName=") + name).status == 200);
    CHECK(cluster.get(i, "/nacos/v1/console/namespaces").has(R"("namespace":"m")"));
    CHECK_FALSE(cluster.get(i, "/nacos/v1/console/namespaces").has(R"("namespace":"n")"));
    CHECK(cluster.get(i, "/nacos/v1/ns/operator/switches").has(R"("pushEnabled":false)"));
    CHECK(cluster.get(i, "/nacre/admin/store").has(R"("votes":true)"));
  }
}

TEST_CASE(
  "without more than half of the nodes what all would have to agree on is refused in time") {
  cluster_api cluster;
  cluster.run_all().register_instance(0, "s", "1.1.1.1");
  cluster.run(1s);
  cluster.crash(1);
  cluster.crash(2);
  cluster.run(2s);
  for (auto& x : agreed_writes) {
    CAPTURE(x.target);
    auto refused = cluster.ask(0, x.method, x.target);
    CHECK(refused.status == 503);
    CHECK(refused.has("no leader"));
  }
  CHECK(cluster.get(0, "/nacos/v1/console/health/readiness").has("no node leads"));
  auto& store = cluster.nodes[0].context->tables.store;
  CHECK(store.namespaces().empty());
  CHECK(store.overridden_services().empty());
}

TEST_CASE("debug=true sets a switch of one node (§3.5)") {
  cluster_api cluster;
  cluster.run_all();
  CHECK(cluster
          .ask(0, http_method::put,
               "/nacos/v1/ns/operator/switches?entry=pushEnabled"
               "&value=false&debug=true")
          .text
        == "ok");
  cluster.run(1s);
  CHECK(cluster.get(0, "/nacos/v1/ns/operator/switches").has(R"("pushEnabled":false)"));
  CHECK(cluster.get(1, "/nacos/v1/ns/operator/switches").has(R"("pushEnabled":true)"));
}

TEST_CASE("a linearizable read sees what was acknowledged by another node, or is refused") {
  cluster_api cluster;
  cluster.run_all();
  cluster.net->now.delay_max_ms = 40;
  for (int i = 1; i < 10; ++i) {
    auto ip = "1.1.1." + std::to_string(i);
    auto write = "/nacos/v1/ns/instance?serviceName=p&port=80&ephemeral=false&ip=" + ip;
    CHECK(cluster.ask(static_cast<std::size_t>(i % 3), http_method::post, write).status == 200);
    for (auto path : {"/nacos/v1/ns/instance/list?serviceName=p", //
                      "/nacos/v2/ns/instance/list?serviceName=p"})
      CHECK(cluster
              .get(static_cast<std::size_t>((i + 1) % 3),
                   std::string(path) + "&consistency=linearizable")
              .has(ip));
  }
  cluster.isolate(0);
  auto refused =
    cluster.get(0, "/nacos/v1/ns/instance/list?serviceName=p&consistency=linearizable");
  CHECK(refused.status == 503);
  CHECK(cluster.get(0, "/nacos/v1/ns/instance/list?serviceName=p").has("1.1.1.9"));
}

TEST_CASE("a linearizable read is handled on its connection's thread or aside, not by the STORE") {
  struct connection_sink final : reply_sink {
    void post(reply x) override { answer = std::move(x); }
    void run_there(std::function<void()> task) override { tasks.push_back(std::move(task)); }
    std::optional<reply> answer;
    std::vector<std::function<void()>> tasks;
  };
  cluster_api cluster;
  cluster.run_all().register_instance(0, "s", "1.1.1.1");
  cluster.run(1s);
  std::vector<std::function<void()>> aside;
  api_environment environment{cluster.nodes[0].context, [] { return true; }, "10.1.1.1"};
  environment.run_aside = [&](const std::string&, std::function<void()> read) {
    aside.push_back(std::move(read));
    return outcome{};
  };
  router routes(environment);
  auto confirmed = [&](std::string_view target) {
    auto sink = std::make_shared<connection_sink>();
    CHECK_FALSE(routes.handle(request_of(http_method::get, "GET", target), sink));
    REQUIRE(cluster.run_until([&] { return sink->answer || !sink->tasks.empty(); }, 5s));
    CHECK_FALSE(sink->answer);
    REQUIRE(sink->tasks.size() == 1);
    auto task = std::move(sink->tasks.front());
    sink->tasks.clear(); // it holds the sink
    task();
    return sink;
  };
  auto list = confirmed("/nacos/v1/ns/instance/list?serviceName=s&consistency=linearizable");
  REQUIRE(list->answer);
  CHECK(body_of(*list->answer).find("1.1.1.1") != std::string::npos);
  CHECK(aside.empty());
  auto walk =
    confirmed("/nacos/v1/ns/catalog/services?pageNo=1&pageSize=10&consistency=linearizable");
  CHECK_FALSE(walk->answer);
  REQUIRE(aside.size() == 1);
  aside.front()();
  REQUIRE(walk->answer);
  CHECK(body_of(*walk->answer).find(R"("count":1)") != std::string::npos);
}

TEST_CASE("who leads is told as Nacos tells it, and can be changed") {
  cluster_api cluster;
  cluster.run_all();
  auto leader_of = [&](std::size_t i) {
    parsed x(cluster.get(i, "/nacos/v1/ns/raft/leader"));
    json_document leader(text_of(x.root["leader"]));
    return text_of(leader.root()["ip"]);
  };
  auto first = leader_of(0);
  CHECK(leader_of(1) == first);
  auto place_of = [&](const std::string& address) {
    return static_cast<std::size_t>(std::find_if(cluster.nodes.begin(), cluster.nodes.end(),
                                                 [&](auto& x) { return x.address == address; })
                                    - cluster.nodes.begin());
  };
  auto at = place_of(first);
  auto other = (at + 1) % 3;
  auto refused = cluster.ask(other, http_method::post, "/nacre/admin/store/transfer");
  CHECK(refused.status == 400);
  CHECK(refused.has("ask " + first));
  CHECK(
    cluster
      .ask(at, http_method::post, "/nacre/admin/store/transfer?to=" + cluster.nodes[other].address)
      .status
    == 200);
  cluster.run(500ms);
  CHECK(leader_of(at) == cluster.nodes[other].address);
  parsed self(cluster.get(at, "/nacos/v1/core/cluster/self"));
  auto group = self.root["data"]["extendInfo"]["raftMetaData"]["metaDataMap"];
  CHECK(text_of(group["naming_instance_metadata"]["leader"]) == cluster.nodes[other].address);
  CHECK(group["naming_persistent_service_v2"]["raftGroupMember"].elements().size() == 3);
  CHECK(cluster.ask(other, http_method::post, "/nacre/admin/store/remove?member=1").status == 400);
  auto listed = cluster.ask(other, http_method::post,
                            "/nacre/admin/store/remove?member=" + cluster.nodes[at].address);
  CHECK(listed.has("take that off the list"));
}

TEST_CASE("overrides are shown with who set them, when, and until when they hold") {
  cluster_api cluster;
  cluster.run_all().register_instance(0, "s", "1.1.1.1");
  cluster.run(1s);
  cluster.ask(1, http_method::put,
              "/nacos/v1/ns/instance?serviceName=s&ip=1.1.1.1&port=80&weight=2");
  cluster.run(1s);
  for (std::size_t i = 0; i < 3; ++i) {
    parsed x(cluster.get(i, "/nacre/admin/overrides?service=s"));
    auto rows = x.root["overrides"].elements();
    REQUIRE(rows.size() == 1);
    CHECK(text_of(rows[0]["instance"]) == "1.1.1.1:80:DEFAULT");
    CHECK(text_of(rows[0]["setBy"]) == "10.9.9.9");
    CHECK(rows[0]["setAt"].number().value_or(0) > 1'700'000'000'000);
    CHECK(rows[0]["holdsUntil"].is_null());
  }
  cluster.run(45s); // its beats have stopped
  CHECK_FALSE(parsed(cluster.get(2, "/nacre/admin/overrides"))
                .root["overrides"]
                .elements()[0]["holdsUntil"]
                .is_null());
  cluster.run(60s);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(parsed(cluster.get(i, "/nacre/admin/overrides")).root["overrides"].elements().empty());
}

TEST_CASE("metadata of many instances is changed by one request, each once, up to a bound") {
  cluster_api cluster;
  cluster.run_all().register_instance(0, "s", "1.1.1.1");
  cluster.register_instance(0, "s", "1.1.1.2");
  auto a = cluster.connect(0);
  instance_list many;
  instance one;
  one.ip = "2.2.2.2";
  for (one.port = 1'000; one.port < 6'000; ++one.port)
    many.push_back(one);
  cluster.publish(a, "large", many);
  cluster.run(1s);
  auto batch = [&](const std::string& query) {
    return cluster.ask(1, http_method::put,
                       "/nacos/v2/ns/instance/metadata/batch?namespaceId=public&" + query);
  };
  // {ip, port} of one that is there, twice; of one that is not; of no port; of a connection's.
  auto target = [](const char* ip, const char* port) {
    return std::string("%7B%22ip%22:%22") + ip + "%22,%22port%22:" + port + "%7D";
  };
  auto some = batch("serviceName=s&metadata=k%3D1&instances=%5B" + target("1.1.1.1", "80") + ','
                    + target("1.1.1.1", "80") + ',' + target("1.1.1.3", "80") + ','
                    + target("1.1.1.2", "-1") + "%5D");
  CHECK(some.has("[\"1.1.1.1:80:unknown:DEFAULT:ephemeral\"]"));
  auto of_connection =
    batch("serviceName=large&metadata=k%3D1&instances=%5B" + target("2.2.2.2", "1007") + "%5D");
  CHECK(of_connection.has("[\"2.2.2.2:1007:unknown:DEFAULT:ephemeral\"]"));
  auto too_many = batch("serviceName=large&metadata=k%3D" + std::string(900, 'v'));
  CHECK(too_many.status == 400);
  CHECK(too_many.has("name fewer instances"));
  CHECK(batch("serviceName=large&metadata=k%3D2").status == 200);
  cluster.run(1s);
  for (std::size_t i = 0; i < 3; ++i) {
    auto of = [&](const char* service, const char* ip, std::uint16_t port) {
      auto view = cluster.nodes[i].context->tables.directory.find(cluster.key(service)->view());
      return metadata_map(view->find_instance(ip, port, "DEFAULT").value().metadata);
    };
    CHECK(of("s", "1.1.1.1", 80) == metadata_map{{"k", "1"}});
    CHECK(of("s", "1.1.1.2", 80).empty());
    CHECK(of("large", "2.2.2.2", 1'999) == metadata_map{{"k", "2"}});
  }
}
