// The STOREs of several nodes in virtual time: how a group begins and changes, and that what was
// acknowledged is never lost, whatever happens to nodes, disks, links and actors.
#include <doctest/doctest.h>

#include <set>

#include "protocol/cluster_codec.hpp"
#include "protocol/json_reader.hpp"
#include "tests/kit/simulated_cluster.hpp"

using namespace nacre;
using namespace nacre::test;
using namespace std::chrono_literals;

namespace {

class store_cluster : public simulated_cluster {
public:
  using simulated_cluster::simulated_cluster;

  node_context& context(std::size_t i) const { return *nodes[i].context; }

  pending_write put(std::size_t i, const std::string& ip) {
    return register_instance(i, "p", ip, {}, false);
  }
  pending_write take_back(std::size_t i, const std::string& ip) {
    return deregister(i, "p", ip, false);
  }

  template <class Message>
  pending_write ask_store(std::size_t i, Message message) {
    pending_write write;
    message.answer = write.ticket();
    caf::anon_send(context(i).actors.store.get(), std::move(message));
    return write;
  }

  /// What operators are shown of a node's store.
  struct report {
    std::string self;
    std::string group;
    std::string role;
    std::set<std::string> voters;
    std::set<std::string> learners;
  };

  std::string text_of(std::size_t i) {
    auto write = ask_store(i, describe_store{});
    run(step_length);
    return write.results->empty() ? "silent" : write.results->at(0).text;
  }

  report report_of(std::size_t i) {
    json_document text(text_of(i));
    auto root = text.root();
    auto string = [](json_value x) { return std::string(x.string().value_or("")); };
    report x{string(root["self"]), string(root["group"]), string(root["role"]), {}, {}};
    for (auto& member : root["members"].elements())
      (*member["votes"].boolean() ? x.voters : x.learners).insert(string(member["id"]));
    return x;
  }

  std::optional<std::size_t> leader() {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (up(i) && report_of(i).role == "leader")
        return i;
    return std::nullopt;
  }

  /// Whether all nodes that are up are voters of one group, and nobody else is.
  bool is_one_group() {
    std::set<std::string> ids;
    std::set<std::string> groups;
    std::set<std::set<std::string>> voters;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!up(i))
        continue;
      auto x = report_of(i);
      ids.insert(x.self);
      groups.insert(x.group);
      voters.insert(x.voters);
      if (!x.learners.empty())
        return false;
    }
    return groups.size() == 1 && *groups.begin() != "0" && voters.size() == 1
           && *voters.begin() == ids;
  }

  /// Whether a write on that node comes to its end well.
  bool takes_writes(std::size_t i) {
    auto write = put(i, "10.9.9." + std::to_string(++probes_));
    return run_until([&] { return write.done(); }, 5s) && write.code() == ec::none;
  }

  bool all_show_the_same() {
    std::set<std::string> texts;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (up(i))
        texts.insert(shown(i, "p"));
    return texts.size() == 1;
  }

  /// Of the instances of one service, in order.
  std::string metadata_shown(std::size_t i) const {
    std::string text;
    if (auto view = context(i).tables.directory.find(key("p")->view()))
      view->for_each_instance([&](const publication&, const instance& x) {
        text += x.ip + '=' + find_metadata(x.metadata, "k")->substr(40'000) + ' ';
      });
    return text;
  }

  void restart(std::size_t i) {
    crash(i);
    start(i);
  }

private:
  int probes_ = 0;
};

} // namespace

TEST_CASE("store of a cluster: nodes that keep nothing become one group, and remember it") {
  under_seeds(
    [](std::uint64_t seed) {
      store_cluster cluster(seed);
      cluster.start_all();
      REQUIRE(cluster.is_one_group());
      auto group = cluster.report_of(0).group;
      for (std::size_t i = 0; i < 3; ++i)
        CHECK(cluster.takes_writes(i));
      for (std::size_t i = 0; i < 3; ++i)
        cluster.crash(i);
      cluster.start_all();
      CHECK(cluster.report_of(0).group == group);
      CHECK(cluster.is_one_group());
      CHECK(cluster.all_show("p", "10.9.9.1+ 10.9.9.2+ 10.9.9.3+"));
      CHECK(cluster.takes_writes(0));
    },
    50);
}

TEST_CASE("store of a cluster: more than half begin without the others, who join later") {
  under_seeds(
    [](std::uint64_t seed) {
      store_cluster cluster(seed);
      cluster.start(0);
      cluster.run(3s);
      CHECK(cluster.report_of(0).group == "0"); // one alone does not begin
      cluster.start(2);
      REQUIRE(cluster.run_until([&] { return cluster.leader().has_value(); }, 10s));
      CHECK(cluster.takes_writes(0));
      cluster.start(1);
      CHECK(cluster.run_until([&] { return cluster.is_one_group(); }, 60s));
      CHECK(cluster.run_until([&] { return cluster.all_show("p", "10.9.9.1+"); }, 5s));
      CHECK(cluster.takes_writes(1));
    },
    50);
}

TEST_CASE("store of a cluster: a node alone serves, and refuses only what needs the others") {
  store_cluster cluster(1);
  cluster.node_options.cluster.load_patience = 1s;
  cluster.start(0);
  CHECK(cluster.run_until([&] { return cluster.ready(0); }, 10s));
  auto ephemeral = cluster.register_instance(0, "e", "10.0.0.1");
  auto persistent = cluster.put(0, "10.0.0.2");
  cluster.run(200ms);
  CHECK(ephemeral.code() == ec::none);
  CHECK_FALSE(persistent.done());
  cluster.run(3s);
  CHECK(persistent.code() == ec::unavailable);
  CHECK(persistent.results->at(0).text.find("no leader") != std::string::npos);
}

TEST_CASE(
  "store of a cluster: a node that lost its disk takes its place again under another name") {
  under_seeds(
    [](std::uint64_t seed) {
      store_cluster cluster(seed);
      cluster.start_all();
      CHECK(cluster.takes_writes(0));
      auto lost = seed % 3;
      auto before = cluster.report_of(lost).self;
      cluster.crash(lost);
      CHECK(cluster.run_until([&] { return cluster.takes_writes((lost + 1) % 3); }, 10s));
      cluster.nodes[lost].disk = std::make_shared<memory_disk>();
      cluster.start(lost);
      CHECK(cluster.run_until([&] { return cluster.is_one_group(); }, 60s));
      CHECK(cluster.report_of(lost).self != before);
      CHECK(cluster.run_until([&] { return cluster.all_show_the_same(); }, 5s));
      CHECK(cluster.takes_writes(lost));
    },
    30);
}

TEST_CASE("store of a cluster: a lone node's folder becomes its first member and loses nothing") {
  auto disk = std::make_shared<memory_disk>();
  {
    node_fixture lone(1, warm(), 2, disk);
    lone.register_instance("p", "10.0.0.1", {}, false);
    lone.settle();
    REQUIRE(lone.shown("p") == "10.0.0.1+");
  }
  store_cluster cluster(1);
  cluster.nodes[1].disk = disk;
  cluster.start_all();
  CHECK(cluster.run_until([&] { return cluster.is_one_group(); }, 20s));
  CHECK(cluster.run_until([&] { return cluster.all_show("p", "10.0.0.1+"); }, 5s));
  CHECK(cluster.takes_writes(2));
}

TEST_CASE("store of a cluster: who is listed joins, who is not any more goes") {
  store_cluster cluster(1, 4);
  for (std::size_t i : {0, 1, 2})
    cluster.start(i, {0, 1, 2});
  REQUIRE(cluster.run_until([&] { return cluster.is_one_group(); }, 10s));
  CHECK(cluster.takes_writes(0));
  cluster.start(3);
  for (std::size_t i : {0, 1, 2})
    cluster.list(i, {});
  CHECK(cluster.run_until([&] { return cluster.is_one_group(); }, 20s));
  CHECK(cluster.report_of(0).voters.size() == 4);
  auto gone = *cluster.leader(); // the leader itself
  cluster.crash(gone);
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < 4; ++i)
    if (i != gone)
      rest.push_back(i);
  for (auto i : rest)
    cluster.list(i, rest);
  cluster.run(10s);
  CHECK(cluster.report_of(rest[0]).voters.size() == 4); // not by a leader that has only begun
  CHECK(cluster.run_until([&] { return cluster.is_one_group(); }, 40s));
  CHECK(cluster.report_of(rest[0]).voters.size() == 3);
  CHECK(cluster.all_show_the_same());
}

TEST_CASE("store of a cluster: all addresses may change between two starts") {
  store_cluster cluster(1);
  cluster.start_all();
  CHECK(cluster.takes_writes(0));
  auto before = cluster.report_of(0);
  for (std::size_t i = 0; i < 3; ++i)
    cluster.crash(i);
  for (std::size_t i = 0; i < 3; ++i)
    cluster.nodes[i].address = "10.0.7." + std::to_string(9 - i) + ":8848";
  cluster.start_all();
  CHECK(cluster.is_one_group());
  auto after = cluster.report_of(0);
  CHECK(after.self == before.self);
  CHECK(after.voters == before.voters);
  CHECK(cluster.all_show("p", "10.9.9.1+"));
  CHECK(cluster.takes_writes(2));
}

TEST_CASE("store of a cluster: a leader hands over, and one whose disk fails steps down") {
  store_cluster cluster(1);
  cluster.start_all();
  auto first = *cluster.leader();
  auto handed = cluster.ask_store(first, transfer_leadership{});
  cluster.run(200ms);
  CHECK(handed.code() == ec::none);
  auto second = cluster.leader();
  REQUIRE(second);
  CHECK(*second != first);
  auto refused = cluster.ask_store(first, transfer_leadership{});
  cluster.run(50ms);
  CHECK(refused.code() == ec::illegal_value);

  cluster.nodes[*second].disk->fails = "no space left";
  auto write = cluster.put(first, "10.0.0.1");
  CHECK(cluster.run_until([&] { return write.done(); }, 3s));
  CHECK(write.code() == ec::none);
  CHECK(cluster.leader() != second);
  auto there = cluster.put(*second, "10.0.0.2");
  cluster.run(50ms);
  CHECK(there.code() == ec::unavailable);
  CHECK(there.results->at(0).text.find("no space left") != std::string::npos);
  cluster.nodes[*second].disk->fails.clear();
  CHECK(cluster.run_until([&] { return cluster.takes_writes(*second); }, 5s));
  CHECK(cluster.run_until([&] { return cluster.all_show_the_same(); }, 5s));
}

TEST_CASE(
  "store of a cluster: a read that is confirmed sees what was acknowledged elsewhere (I7)") {
  under_seeds(
    [](std::uint64_t seed) {
      store_cluster cluster(seed);
      cluster.start_all();
      cluster.net->now.delay_max_ms = 60;
      for (std::size_t n = 0; n < 9; ++n) {
        auto ip = "10.0.0." + std::to_string(n + 1);
        auto writer = n % 3;
        auto write = cluster.put(writer, ip);
        REQUIRE(cluster.run_until([&] { return write.done(); }, 3s));
        REQUIRE(write.code() == ec::none);
        auto reader = cluster.rng() % 3;
        if (reader != writer && cluster.rng() % 2) {
          // What was on its way to readers there is lost.
          for (auto steps = cluster.rng() % 40; steps > 0; --steps)
            cluster.step();
          caf::anon_send_exit(cluster.context(reader).actors.metadata.get(),
                              caf::exit_reason::kill);
        }
        std::optional<std::string> seen;
        auto see = [&](const outcome& result) {
          seen = result.ok() ? cluster.shown(reader, "p") : result.text;
        };
        caf::anon_send(cluster.context(reader).actors.store.get(),
                       confirm_reads{std::make_shared<called_ticket>(see)});
        REQUIRE(cluster.run_until([&] { return seen.has_value(); }, 4s));
        CHECK(seen->find(ip + '+') != std::string::npos);
      }
      cluster.isolate(0);
      auto read = cluster.ask_store(0, confirm_reads{});
      cluster.run(4s);
      CHECK(read.code() == ec::unavailable);
    },
    50);
}

TEST_CASE("store of a cluster: a follower that was away for long gets the state") {
  store_cluster cluster(1);
  cluster.start_all();
  auto away = (*cluster.leader() + 1) % 3;
  cluster.crash(away);
  std::string text(40'000, 'x');
  for (int i = 0; i < 600; ++i) {
    cluster.register_instance((away + 1) % 3, "p", "10.0.0." + std::to_string(i % 20),
                              {{"k", text + std::to_string(i)}}, false);
    cluster.run(50ms);
  }
  cluster.run(2s);
  cluster.start(away);
  // What it had, or nothing, is not shown as if it were what the others sent.
  auto wanted = cluster.metadata_shown((away + 1) % 3);
  int seen = 0;
  auto see = [&](const outcome& result) {
    if (!result.ok())
      return;
    ++seen;
    CHECK(cluster.metadata_shown(away) == wanted);
  };
  for (int i = 0; i < 100; ++i) {
    caf::anon_send(cluster.context(away).actors.store.get(),
                   confirm_reads{std::make_shared<called_ticket>(see)});
    cluster.run(50ms);
  }
  CHECK(seen > 50);
  CHECK(cluster.all_show_the_same());
  CHECK(cluster.nodes[away].disk->load()->member.base.index > 0);
  CHECK(cluster.takes_writes(away));
  cluster.restart(away);
  CHECK(cluster.run_until([&] { return cluster.all_show_the_same(); }, 10s));
}

TEST_CASE("store of a cluster: what strangers say, and what makes no sense, changes nothing") {
  under_seeds(
    [](std::uint64_t seed) {
      store_cluster cluster(seed);
      auto& rng = cluster.rng;
      cluster.start_all();
      REQUIRE(cluster.takes_writes(0));
      auto before = cluster.report_of(0);
      auto group = std::stoull(before.group);
      for (int n = 0; n < 300; ++n) {
        auto to = rng() % 3;
        auto from = (to + 1 + rng() % 2) % 3;
        store_message x;
        x.from = rng() % 2 ? rng() : std::stoull(before.self);
        x.group = rng();
        raft::position far{1'000'000, 1'000'000};
        auto receiver = std::stoull(cluster.report_of(to).self);
        switch (rng() % 7) {
          case 0:
            x.what = store_hello{{}, rng() % 2 == 0, rng()};
            break;
          case 1:
            x.what = store_offer{{{receiver}, {}}};
            break;
          case 2:
            x.what = store_raft{receiver, 1'000'000, raft::vote_request{false, true, far}};
            break;
          case 3:
            x.what = store_raft{receiver, 1'000'000, raft::append_request{far, {}, 1'000'000, 1}};
            break;
          case 4:
            x.what = store_raft{receiver, 1'000'000, raft::transfer_order{}};
            break;
          case 5:
            x.group = group;
            x.what = store_request{{"", "no request", std::string(1'000, '\xff')}};
            break;
          default:
            x.group = group;
            x.what = store_read_answer{rng() % 10, 0};
            break;
        }
        cluster_frame frame{cluster.context(from).cluster->now()->incarnation(), std::move(x)};
        receive_frame(cluster.context(to), cluster.nodes[from].address, encode_frame(frame));
        if (n % 10 == 0)
          cluster.run(50ms);
      }
      cluster.run(2s);
      CHECK(cluster.is_one_group());
      CHECK(cluster.report_of(0).voters == before.voters);
      for (std::size_t i = 0; i < 3; ++i)
        CHECK(cluster.takes_writes(i));
      CHECK(cluster.run_until([&] { return cluster.all_show_the_same(); }, 5s));
    },
    20);
}

TEST_CASE("store of a cluster: nothing acknowledged is lost, and all agree when faults end (I3)") {
  under_seeds(
    [](std::uint64_t seed) {
      store_cluster cluster(seed);
      auto& rng = cluster.rng;
      cluster.start_all();
      cluster.net->now.delay_max_ms = static_cast<std::int64_t>(1 + rng() % 80);
      cluster.net->now.loss = static_cast<double>(rng() % 20) / 100;
      cluster.net->now.doubled = 0.05;
      std::vector<std::pair<std::string, pending_write>> put;
      std::vector<std::pair<std::string, pending_write>> taken;
      for (int turn = 0; turn < 120; ++turn) {
        auto i = rng() % 3;
        switch (rng() % 24) {
          case 0:
            if (cluster.up(i))
              cluster.crash(i);
            break;
          case 1:
            cluster.isolate(i);
            break;
          case 2:
            cluster.cut_way(i, rng() % 3);
            break;
          case 3:
          case 4:
            cluster.net->heal();
            break;
          case 5:
            cluster.nodes[i].disk->fails = "broken";
            break;
          case 6:
            if (cluster.up(i))
              caf::anon_send_exit(cluster.context(i).actors.store.get(), caf::exit_reason::kill);
            break;
          case 7:
            if (cluster.up(i))
              caf::anon_send_exit(cluster.context(i).actors.store_writer.get(),
                                  caf::exit_reason::kill);
            break;
          case 8:
            if (cluster.up(i))
              caf::anon_send_exit(cluster.context(i).actors.metadata.get(), caf::exit_reason::kill);
            break;
          case 9:
          case 10:
            for (auto& x : cluster.nodes)
              x.disk->fails.clear();
            break;
          default:
            for (std::size_t k = 0; k < 3; ++k)
              if (!cluster.up(k) && rng() % 4 == 0)
                cluster.start(k);
            break;
        }
        if (cluster.up(i)) {
          auto ip = "10.0." + std::to_string(turn / 200) + '.' + std::to_string(turn % 200);
          put.emplace_back(ip, cluster.put(i, ip));
          auto& old = put[rng() % put.size()];
          if (rng() % 3 == 0 && old.second.done() && old.second.code() == ec::none) {
            taken.emplace_back(old.first, cluster.take_back(i, old.first));
          }
        }
        cluster.run(std::chrono::milliseconds(50 * (rng() % 8)));
      }
      for (auto& x : cluster.nodes)
        x.disk->fails.clear();
      cluster.net->heal();
      cluster.net->now.loss = 0;
      for (std::size_t i = 0; i < 3; ++i)
        if (!cluster.up(i))
          cluster.start(i);
      bool heals = cluster.run_until([&] { return cluster.all_ready() && cluster.leader(); }, 20s);
      for (std::size_t i = 0; i < 3 && !heals; ++i)
        MESSAGE(cluster.ready(i), " ", cluster.text_of(i));
      REQUIRE(heals);
      cluster.run(5s);
      for (std::size_t i = 0; i < 3; ++i)
        CHECK(cluster.takes_writes(i));
      CHECK(cluster.run_until([&] { return cluster.all_show_the_same(); }, 10s));
      auto shown = " " + cluster.shown(0, "p");
      std::set<std::string> maybe_taken;
      for (auto& [ip, write] : taken) {
        CAPTURE(ip);
        maybe_taken.insert(ip);
        REQUIRE(write.done());
        if (write.code() == ec::none)
          CHECK(shown.find(" " + ip + "+") == std::string::npos);
      }
      for (auto& [ip, write] : put) {
        CAPTURE(ip);
        REQUIRE(write.done());
        if (write.code() == ec::none && maybe_taken.count(ip) == 0)
          CHECK(shown.find(" " + ip + "+") != std::string::npos);
      }
    },
    100);
}
