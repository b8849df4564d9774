// CONNECTION CLIENTs in virtual time: what they publish, hear and leave behind.
#include <set>

#include "actors/connections/connection_client.hpp"
#include "protocol/json_reader.hpp"
#include "tests/kit/deterministic.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

/// The link of a client that acknowledges, or not.
struct recording_link final : connection_link {
  bool send(server_request request) override {
    if (full)
      return false;
    sent.push_back({std::string(request.type), request.body.str()});
    return true;
  }
  void close(std::string_view why) override { closed = why; }

  struct message {
    std::string type;
    std::string body;
  };
  std::vector<message> sent;
  std::string closed;
  bool full = false;
};

class connection_fixture : public node_fixture {
public:
  using node_fixture::node_fixture;

  struct client {
    connection_ptr connection;
    std::shared_ptr<recording_link> link;
    std::size_t seen = 0;
  };

  using admission = connection_table::admission;

  client connect(const std::string& id, admission wanted = admission::admitted) {
    client x;
    x.link = std::make_shared<recording_link>();
    connection_info info;
    info.id = id;
    info.client_ip = info.remote_ip = "10.9.9.9";
    info.client_version = "Nacos-Test:v1";
    x.connection = std::make_shared<nacre::connection>(std::move(info), x.link, now());
    CHECK(open_connection(sys, context, x.connection) == wanted);
    return x;
  }

  static instance_list instances(std::initializer_list<std::string> ips) {
    instance_list result;
    for (auto& ip : ips) {
      instance x;
      x.ip = ip;
      x.port = 80;
      result.push_back(x);
    }
    return result;
  }

  pending_write publish(client& x, const std::string& service,
                        std::initializer_list<std::string> ips) {
    pending_write write;
    caf::anon_send(x.connection->actor.get(),
                   publish_instances{key(service), instances(ips), write.ticket()});
    return write;
  }

  pending_write withdraw(client& x, const std::string& service) {
    pending_write write;
    caf::anon_send(x.connection->actor.get(), withdraw_instances{key(service), write.ticket()});
    return write;
  }

  pending_write subscribe(client& x, const std::string& service, const std::string& clusters = "") {
    pending_write write;
    caf::anon_send(x.connection->actor.get(),
                   subscribe_service{key(service), clusters, "app", write.ticket()});
    return write;
  }

  pending_write unsubscribe(client& x, const std::string& service,
                            const std::string& clusters = "") {
    pending_write write;
    caf::anon_send(x.connection->actor.get(),
                   unsubscribe_service{key(service), clusters, write.ticket()});
    return write;
  }

  void lose(client& x) { end_connection(x.connection, change_reason::connection_closed); }

  /// Acknowledges what came since the last time, and counts as a sign of life.
  void acknowledge(client& x, bool ok = true) {
    for (; x.seen < x.link->sent.size(); ++x.seen) {
      json_document body(x.link->sent[x.seen].body);
      auto id = std::stoull(std::string(*body.root()["requestId"].string()));
      x.connection->active = now();
      caf::anon_send(x.connection->actor.get(), request_answered{id, ok});
    }
  }

  /// `lastRefTime ip ip …` of a push.
  static std::pair<double, std::string> push(const recording_link::message& x) {
    json_document body(x.body);
    auto info = body.root()["serviceInfo"];
    std::string ips;
    for (auto& host : info["hosts"].elements())
      ips += (ips.empty() ? "" : " ") + std::string(*host["ip"].string());
    return {*info["lastRefTime"].number(), ips};
  }

  static std::size_t pushes(const client& x) {
    std::size_t n = 0;
    for (auto& m : x.link->sent)
      n += m.type == "NotifySubscriberRequest" ? 1 : 0;
    return n;
  }

  void kill(const caf::actor& actor) { caf::anon_send_exit(actor, caf::exit_reason::kill); }
};

std::string joined(const std::multiset<std::string>& xs) {
  std::string text;
  for (auto& x : xs)
    text += x + ' ';
  return text;
}

} // namespace

TEST_CASE("a connection's publication is seen, replaced as a whole, and goes with the connection") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto first = node.publish(a, "s", {"1.1.1.1", "1.1.1.2"});
  node.settle();
  CHECK(first.code() == ec::none);
  CHECK(node.shown("s") == "1.1.1.1+ 1.1.1.2+");
  CHECK(node.context->counters.instances == 2);
  node.publish(a, "s", {"1.1.1.3"});
  node.settle();
  CHECK(node.shown("s") == "1.1.1.3+");
  CHECK(node.context->counters.instances == 1);
  node.advance(60s); // beats are not what keeps it; its client answers detections
  node.lose(a);
  node.settle();
  CHECK(node.shown("s").empty());
  CHECK(node.context->tables.connections.size() == 0);
  auto events = node.context->tables.history.events(node.key("s")->view());
  REQUIRE_FALSE(events.empty());
  CHECK(events.back().what == change_kind::removed);
}

TEST_CASE("a deregistration takes back what this connection published, and only that") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto b = node.connect("2_b_2");
  node.publish(a, "s", {"1.1.1.1"});
  node.publish(b, "s", {"1.1.1.2"});
  node.settle();
  auto nothing = node.withdraw(b, "other");
  node.withdraw(b, "s");
  node.settle();
  CHECK(nothing.code() == ec::none);
  CHECK(node.shown("s") == "1.1.1.1+");
}

TEST_CASE("the same instance of two connections is shown once until both took it back") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto b = node.connect("2_b_2");
  node.publish(a, "s", {"1.1.1.1"});
  node.publish(b, "s", {"1.1.1.1"});
  node.settle();
  CHECK(node.find("s")->select({}).instances.size() == 1);
  node.lose(a);
  node.settle();
  CHECK(node.find("s")->select({}).instances.size() == 1);
  node.lose(b);
  node.settle();
  CHECK(node.find("s")->select({}).instances.empty());
}

TEST_CASE("an empty batch publishes nothing but makes the service") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto done = node.publish(a, "s", {});
  node.settle();
  CHECK(done.code() == ec::none);
  REQUIRE(node.find("s"));
  CHECK(node.find("s")->listed);
  CHECK(node.shown("s").empty());
}

TEST_CASE("at the bound of memory a connection adds nothing, and no other comes") {
  options opts;
  opts.limits.memory_bytes_max = 1'000;
  connection_fixture node(1, opts);
  auto a = node.connect("1_a_1");
  node.publish(a, "s", {"1.1.1.1"});
  node.settle();
  node.context->tables.memory.observe(1'000);
  auto more = node.publish(a, "s", {"1.1.1.1", "1.1.1.2"});
  auto subscription = node.subscribe(a, "s");
  auto same = node.publish(a, "s", {"1.1.1.3"});
  node.settle();
  CHECK(more.code() == ec::limit_reached);
  CHECK(subscription.code() == ec::limit_reached);
  CHECK(same.code() == ec::none);
  CHECK(node.shown("s") == "1.1.1.3+");
  node.connect("2_b_2", connection_table::admission::no_memory);
}

TEST_CASE("a subscriber hears the present state, then changes: at once, merged within 500 ms") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto b = node.connect("2_b_2");
  auto subscribed = node.subscribe(b, "s");
  node.settle();
  CHECK(subscribed.code() == ec::none);
  REQUIRE(node.pushes(b) == 1);
  CHECK(node.push(b.link->sent.back()).second.empty());
  node.acknowledge(b);
  node.publish(a, "s", {"1.1.1.1"});
  node.settle();
  REQUIRE(node.pushes(b) == 2);
  CHECK(node.push(b.link->sent.back()).second == "1.1.1.1");
  node.publish(a, "s", {"1.1.1.2"});
  node.publish(a, "s", {"1.1.1.3"});
  node.settle();
  CHECK(node.pushes(b) == 2);
  node.advance(600ms);
  REQUIRE(node.pushes(b) == 3);
  CHECK(node.push(b.link->sent.back()).second == "1.1.1.3");
  node.publish(a, "s", {"1.1.1.3"}); // no change
  node.advance(2s);
  CHECK(node.pushes(b) == 3);
}

TEST_CASE("an unacknowledged push goes out again with growing waits, and not for ever") {
  connection_fixture node;
  auto b = node.connect("2_b_2");
  node.subscribe(b, "s");
  node.settle();
  CHECK(node.pushes(b) == 1);
  auto keep_alive = [&](std::chrono::milliseconds span) {
    for (; span > 0ms; span -= 1s) {
      b.connection->active = node.now();
      node.advance(1s);
    }
  };
  keep_alive(5s);
  CHECK(node.pushes(b) == 1);
  keep_alive(2s);
  CHECK(node.pushes(b) == 2);
  keep_alive(300s);
  CHECK(node.pushes(b) == push_channels::tries_max);
  auto a = node.connect("1_a_1");
  node.publish(a, "s", {"1.1.1.1"});
  node.settle();
  CHECK(node.pushes(b) == push_channels::tries_max + 1); // a change begins anew
}

TEST_CASE("a push waits for one answer, and for none once a newer one took its place") {
  push_channels pushes(6'000ms, 5'000ms);
  push_channels::channel_key key{connection_fixture::key("s"), ""};
  CHECK_FALSE(pushes.is_waiting(7));
  pushes.sent(key, wall_at(1), 7, at(0), at(0));
  CHECK(pushes.is_waiting(7));
  pushes.sent(key, wall_at(2), 9, at(1), at(1));
  CHECK_FALSE(pushes.is_waiting(7));
  CHECK(pushes.is_waiting(9));
  CHECK_FALSE(pushes.answered(9, false, at(2)));
  CHECK_FALSE(pushes.is_waiting(9));
  CHECK(pushes.next_due() == at(5'002));
}

TEST_CASE("a push that is refused goes out again, whatever answers are made up besides") {
  connection_fixture node;
  auto b = node.connect("2_b_2");
  node.subscribe(b, "s");
  node.settle();
  CHECK(node.pushes(b) == 1);
  node.acknowledge(b, false);
  for (std::uint64_t i = 0; i < 1'000; ++i)
    caf::anon_send(b.connection->actor.get(), request_answered{1'000'000 + i, i % 2 == 0});
  node.advance(node.context->options.connections.push_retry_delay + 1s);
  CHECK(node.pushes(b) == 2);
  node.acknowledge(b);
  node.advance(15s);
  CHECK(node.pushes(b) == 2);
  CHECK(node.context->counters.pushes_acked == 1);
}

TEST_CASE("a client that does not drain gets the newest list when it does") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto b = node.connect("2_b_2");
  b.link->full = true;
  node.subscribe(b, "s");
  for (auto ip : {"1.1.1.1", "1.1.1.2", "1.1.1.3"}) {
    node.publish(a, "s", {ip});
    node.advance(600ms);
  }
  CHECK(b.link->sent.empty());
  b.link->full = false;
  caf::anon_send(b.connection->actor.get(), link_drained{});
  node.settle();
  REQUIRE(b.link->sent.size() == 1);
  CHECK(node.push(b.link->sent[0]).second == "1.1.1.3");
}

TEST_CASE("each selection of a service is pushed; an unsubscription ends its own, or all") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto b = node.connect("2_b_2");
  node.subscribe(b, "s");
  node.subscribe(b, "s", "c1");
  node.publish(a, "s", {"1.1.1.1"});
  node.advance(1s);
  node.acknowledge(b);
  std::set<std::string> clusters;
  for (auto& m : b.link->sent) {
    json_document body(m.body);
    clusters.insert(std::string(*body.root()["serviceInfo"]["clusters"].string()));
  }
  CHECK(clusters == std::set<std::string>{"", "c1"});
  node.unsubscribe(b, "s", "c1");
  node.settle();
  auto before = node.pushes(b);
  node.publish(a, "s", {"1.1.1.2"});
  node.advance(1s);
  node.acknowledge(b);
  CHECK(node.pushes(b) == before + 1);
  node.unsubscribe(b, "s", "whatever");
  node.publish(a, "s", {"1.1.1.3"});
  node.advance(1s);
  CHECK(node.pushes(b) == before + 1);
}

TEST_CASE("a silent client is asked after 20 s and dropped 5 s later unless it answers") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto b = node.connect("2_b_2");
  node.publish(a, "s", {"1.1.1.1"});
  node.publish(b, "s", {"1.1.1.2"});
  node.advance(21s);
  REQUIRE(a.link->sent.size() == 1);
  CHECK(a.link->sent[0].type == "ClientDetectionRequest");
  node.acknowledge(b);
  node.advance(6s);
  CHECK_FALSE(a.link->closed.empty());
  CHECK(b.link->closed.empty());
  CHECK(node.shown("s") == "1.1.1.2+");
  CHECK(node.context->tables.history.events(node.key("s")->view()).back().why
        == change_reason::connection_silent);
  for (int i = 0; i < 100; ++i) {
    node.advance(1s);
    node.acknowledge(b);
  }
  CHECK(node.shown("s") == "1.1.1.2+");
}

TEST_CASE("a client that is sent elsewhere loses its stream if it does not go") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  node.publish(a, "s", {"1.1.1.1"});
  caf::anon_send(a.connection->actor.get(), reset_connection{"10.0.0.7", "8848"});
  node.settle();
  REQUIRE(a.link->sent.size() == 1);
  CHECK(a.link->sent[0].type == "ConnectResetRequest");
  json_document body(a.link->sent[0].body);
  CHECK(body.root()["serverIp"].string() == "10.0.0.7");
  CHECK(body.root()["serverPort"].string() == "8848"); // a string, as SDKs read it
  CHECK(body.root()["connectionId"].string() == "1_a_1");
  node.acknowledge(a);
  node.advance(2s);
  CHECK(node.shown("s") == "1.1.1.1+");
  node.advance(2s);
  CHECK_FALSE(a.link->closed.empty());
  CHECK(node.shown("s").empty());
}

TEST_CASE("an ephemeral publication is refused by a persistent service and leaves no row") {
  connection_fixture node;
  node.register_instance("s", "10.0.0.1", {}, false);
  node.settle();
  auto a = node.connect("1_a_1");
  auto refused = node.publish(a, "s", {"1.1.1.1"});
  node.settle();
  CHECK(refused.code() == ec::kind_conflict);
  CHECK(a.connection->rows.publications.empty());
}

TEST_CASE("a fuzzy watch hears which services are there, come and go") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto b = node.connect("2_b_2");
  node.publish(a, "s1", {"1.1.1.1"});
  node.settle();
  pending_write write;
  caf::anon_send(b.connection->actor.get(),
                 watch_services{"public>>DEFAULT_GROUP>>s*", true, {}, write.ticket()});
  node.settle();
  CHECK(write.code() == ec::none);
  for (int i = 0; i < 5; ++i) {
    node.acknowledge(b);
    node.settle();
  }
  REQUIRE(b.link->sent.size() == 2);
  CHECK(b.link->sent[0].body.find("FUZZY_WATCH_INIT_NOTIFY") != std::string::npos);
  CHECK(b.link->sent[0].body.find("public@@DEFAULT_GROUP@@s1") != std::string::npos);
  CHECK(b.link->sent[1].body.find("FINISH_FUZZY_WATCH_INIT_NOTIFY") != std::string::npos);
  node.publish(a, "s2", {"1.1.1.1"});
  node.publish(a, "t", {"1.1.1.1"});
  node.settle();
  node.acknowledge(b);
  node.settle();
  REQUIRE(b.link->sent.size() == 3);
  CHECK(b.link->sent[2].body.find("@@s2\",\"changedType\":\"ADD_SERVICE\"") != std::string::npos);
  node.lose(a);
  for (int i = 0; i < 5; ++i) {
    node.settle();
    node.acknowledge(b);
  }
  REQUIRE(b.link->sent.size() == 5);
  CHECK(b.link->sent[4].body.find("DELETE_SERVICE") != std::string::npos);
}

TEST_CASE("a watch of more keys than any watch tells of is refused, and leaves nothing behind") {
  connection_fixture node;
  auto b = node.connect("2_b_2");
  watch_services msg{"public>>DEFAULT_GROUP>>s*", true, {}, nullptr};
  for (int i = 0; i < 300'000; ++i)
    msg.received_keys.push_back("public@@DEFAULT_GROUP@@x" + std::to_string(i));
  pending_write write;
  msg.answer = write.ticket();
  caf::anon_send(b.connection->actor.get(), msg);
  node.settle();
  CHECK(write.code() == ec::watch_matches_limit);
  CHECK(b.connection->rows.watches.empty());
  CHECK(b.link->sent.empty());
  msg.received_keys.resize(6'000); // twice that is more than may wait
  for (auto wanted : {ec::none, ec::watch_matches_limit}) {
    pending_write next;
    msg.answer = next.ticket();
    caf::anon_send(b.connection->actor.get(), msg);
    node.settle();
    CHECK(next.code() == wanted);
  }
}

TEST_CASE(
  "texts of a watch are as long as those of a service may be, and together as many may wait") {
  connection_fixture node;
  auto b = node.connect("2_b_2");
  auto watch = [&](std::string pattern, std::vector<std::string> keys) {
    pending_write write;
    caf::anon_send(b.connection->actor.get(),
                   watch_services{std::move(pattern), false, std::move(keys), write.ticket()});
    node.settle();
    return write.code();
  };
  // U+3042, of three bytes, may stand in the name of a service.
  std::string name;
  for (int i = 0; i < 512; ++i)
    name += "\xe3\x81\x82";
  checked_names names;
  names.namespace_id = names.group = std::string_view("x");
  names.service_name = name;
  CHECK_FALSE(check_names(names));
  std::string space(64, 'n');
  std::string group(128, 'g');
  auto key = space + "@@" + group + "@@" + name;
  CHECK(watch(space + ">>*" + group + "*>>*" + name + "*", {key}) == ec::none);
  CHECK(watch("public>>g>>" + std::string(2'038, 's'), {}) == ec::illegal_value);
  CHECK(watch("public>>g>>s", {key, std::string(2'049, 'k')}) == ec::illegal_value);
  CHECK(b.connection->rows.watches.size() == 1);
  std::vector<std::string> many;
  for (int i = 0; i < 1'500; ++i)
    many.push_back(std::to_string(i) + std::string(2'000, 'k'));
  CHECK(watch("public>>g>>s", many) == ec::none);
  CHECK(watch("public>>g>>t", many) == ec::watch_matches_limit);
  CHECK(b.connection->rows.watches.size() == 2);
}

TEST_CASE("who leaves notices of many bytes waiting has to connect anew") {
  connection_fixture node;
  auto a = node.connect("1_a_1");
  auto b = node.connect("2_b_2");
  caf::anon_send(b.connection->actor.get(),
                 watch_services{"public>>DEFAULT_GROUP>>s*", false, {}, nullptr});
  std::vector<std::string> many(1'500);
  for (std::size_t i = 0; i < many.size(); ++i)
    many[i] = std::to_string(i) + std::string(2'000, 'k');
  caf::anon_send(b.connection->actor.get(),
                 watch_services{"public>>g>>s", false, std::move(many), nullptr});
  node.settle();
  CHECK(b.link->closed.empty());
  // With them fewer than the notices that may wait by their number.
  auto name = 's' + std::string(1'800, 'n');
  for (int i = 0; i < 6'000 && b.link->closed.empty(); ++i) {
    i % 2 == 0 ? node.publish(a, name, {"1.1.1.1"}) : node.withdraw(a, name);
    node.settle();
  }
  CHECK_FALSE(b.link->closed.empty());
}

TEST_CASE("a watch is told of no more services than it may match, and of the next when one goes") {
  connection_fixture node;
  auto b = node.connect("2_b_2");
  pending_write write;
  caf::anon_send(b.connection->actor.get(),
                 watch_services{"public>>DEFAULT_GROUP>>s*", true, {}, write.ticket()});
  std::vector<decltype(node.connect(""))> publishers;
  for (int i = 0; i < 502; ++i) {
    publishers.push_back(node.connect(std::to_string(i) + "_p_1"));
    node.publish(publishers.back(), "s" + std::to_string(i), {"1.1.1.1"});
    node.settle();
  }
  auto& watch = b.connection->rows.watches.begin()->second;
  CHECK(watch.told.size() == 500);
  node.lose(publishers.front());
  node.settle();
  CHECK(watch.told.size() == 500);
  CHECK_FALSE(watch.told.contains("public@@DEFAULT_GROUP@@s0"));
  // Nobody is told after a restart that a service is gone which is just one of too many.
  auto told = watch.told;
  caf::anon_send(b.connection->actor.get(), fuzzy_watch_restarted{});
  node.settle();
  CHECK(watch.told == told);
}

TEST_CASE("after a restart nobody is told an empty list while publishers are on their way back") {
  connection_fixture node(1, options{});
  auto b = node.connect("2_b_2");
  auto c = node.connect("3_c_3");
  auto early = node.subscribe(b, "s");
  auto none = node.subscribe(c, "gone");
  node.advance(500ms);
  CHECK_FALSE(early.done());
  CHECK(b.link->sent.empty());
  auto a = node.connect("1_a_1");
  node.publish(a, "s", {"1.1.1.1"});
  node.settle();
  CHECK(early.code() == ec::none);
  REQUIRE(b.link->sent.size() == 1);
  CHECK(node.push(b.link->sent[0]).second == "1.1.1.1");
  node.advance(2s);
  CHECK(none.code() == ec::none); // before its client gives up
  CHECK(c.link->sent.empty());
  node.advance(3s);
  REQUIRE(c.link->sent.size() == 1);
  CHECK(node.push(c.link->sent[0]).second.empty());
}

TEST_CASE(
  "kills of any actor lose nothing a live connection holds, and keep nothing of a dead one") {
  under_seeds([](std::uint64_t seed) {
    connection_fixture node(seed);
    std::vector<connection_fixture::client> clients;
    for (int i = 0; i < 4; ++i)
      clients.push_back(node.connect(std::to_string(i) + "_c_1"));
    auto listener = node.connect("9_l_1");
    std::vector<std::string> services{"s0", "s1"};
    for (auto& s : services)
      node.subscribe(listener, s);
    for (int step = 0; step < 40; ++step) {
      auto& x = clients[node.rng() % clients.size()];
      auto& s = services[node.rng() % services.size()];
      auto ip = "1.1.1." + std::to_string(node.rng() % 4);
      switch (node.rng() % 7) {
        case 0:
        case 1:
          node.publish(x, s, {ip});
          break;
        case 2:
          node.withdraw(x, s);
          break;
        case 3:
          node.lose(x);
          node.settle();
          x = node.connect(std::to_string(100 + step) + "_c_1");
          break;
        case 4:
          if (auto service = node.context->tables.directory.find_actor(node.key(s)->view()))
            node.kill(caf::actor_cast<caf::actor>(service));
          break;
        case 5:
          node.kill(caf::actor_cast<caf::actor>(x.connection->actor.get()));
          break;
        case 6:
          node.acknowledge(listener);
          break;
      }
      for (std::uint64_t n = node.rng() % 20; n > 0 && node.step(); --n) {
      }
    }
    for (int i = 0; i < 20; ++i) {
      node.advance(1s);
      for (auto& x : clients)
        x.connection->active = node.now();
      node.acknowledge(listener);
    }
    for (auto& s : services) {
      std::multiset<std::string> expected;
      for (auto& x : clients)
        for (auto& [service, published] : x.connection->rows.publications)
          if (service->name == s)
            expected.insert(published->instances.front().ip.str());
      std::multiset<std::string> seen;
      if (auto view = node.find(s))
        view->for_each_instance(
          [&](const publication&, const instance& x) { seen.insert(x.ip.str()); });
      CAPTURE(s);
      CAPTURE(joined(seen));
      CAPTURE(joined(expected));
      CHECK(seen == expected);
      // The last push is the final state, and none went back in time (I4).
      double last = 0;
      std::string ips = "none";
      for (auto& m : listener.link->sent) {
        json_document body(m.body);
        if (m.type != "NotifySubscriberRequest"
            || *body.root()["serviceInfo"]["name"].string() != s)
          continue;
        auto [time, list] = node.push(m);
        CHECK(time >= last);
        last = time;
        ips = list;
      }
      std::set<std::string> final_ips(seen.begin(), seen.end());
      std::string text;
      for (auto& ip : final_ips)
        text += (text.empty() ? "" : " ") + ip;
      std::set<std::string> pushed;
      for (std::size_t at = 0; at < ips.size();) {
        auto end = std::min(ips.find(' ', at), ips.size());
        pushed.insert(ips.substr(at, end - at));
        at = end + 1;
      }
      CHECK((pushed == final_ips || (pushed.empty() && final_ips.empty())));
    }
  });
}
