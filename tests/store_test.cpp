// The STORE of a lone node: what was acknowledged is there again, whoever is killed, and whatever
// the disk does meanwhile.
#include <doctest/doctest.h>

#include "actors/store/agreed_state.hpp"
#include "tests/kit/deterministic.hpp"

using namespace nacre;
using namespace nacre::test;
using namespace std::chrono_literals;

namespace {

constexpr auto operator_address = "10.9.9.9";

template <class Message>
pending_write ask(node_fixture& node, Message message) {
  pending_write write;
  message.answer = write.ticket();
  caf::anon_send(node.context->actors.metadata.get(), std::move(message));
  return write;
}

pending_write set_weight(node_fixture& node, const std::string& service, const std::string& ip,
                         double weight) {
  return ask(node, put_overrides{node.key(service),
                                 {{ip + ":80:DEFAULT", {weight, true, {}}}},
                                 operator_address,
                                 nullptr});
}

double weight_of(const node_fixture& node, const std::string& service, const std::string& ip) {
  auto view = node.find(service);
  auto found = view ? view->find_instance(ip, 80, "DEFAULT") : std::nullopt;
  return found ? found->weight : -1;
}

std::string report_of(node_fixture& node) {
  pending_write write;
  caf::anon_send(node.context->actors.store.get(), describe_store{write.ticket()});
  node.settle();
  return write.results->at(0).text;
}

} // namespace

TEST_CASE("store: a node that starts again shows all that was agreed on") {
  auto disk = std::make_shared<memory_disk>();
  {
    node_fixture node(1, warm(), 3, disk);
    CHECK(node.context->shows_agreed_state);
    auto registered = node.register_instance("kept", "10.0.0.1", {{"k", "v"}}, false);
    node.register_instance("kept", "10.0.0.2", {}, false);
    node.settle();
    CHECK(registered.code() == ec::none);
    CHECK(set_weight(node, "kept", "10.0.0.1", 7.0).results->empty()); // not before it is agreed on
    node.deregister("kept", "10.0.0.2", false);
    service_metadata settings;
    settings.protect_threshold = 0.5;
    ask(node, create_service{node.key("empty"), settings, nullptr});
    ask(node, put_namespace{{"dev", "Dev", ""}, false, nullptr});
    ask(node, set_switch{"pushEnabled", "false", false, nullptr});
    ask(node,
        set_switch{"autoChangeHealthCheckEnabled", "false", true, nullptr}); // this life's own
    node.settle();
    CHECK(weight_of(node, "kept", "10.0.0.1") == 7.0);
  }
  node_fixture node(2, warm(), 2, disk);
  CHECK(node.context->shows_agreed_state);
  CHECK(node.shown("kept") == "10.0.0.1+");
  auto view = node.find("kept");
  CHECK(view->kind == service_kind::persistent);
  CHECK(find_metadata(view->find_instance("10.0.0.1", 80, "DEFAULT")->metadata, "k"));
  CHECK(weight_of(node, "kept", "10.0.0.1") == 7.0);
  REQUIRE(node.find("empty"));
  CHECK(node.find("empty")->listed);
  CHECK(node.find("empty")->metadata->protect_threshold == 0.5);
  auto& store = node.context->tables.store;
  CHECK(store.find_namespace("dev")->name == "Dev");
  CHECK_FALSE(store.switches()->push_enabled);
  auto overrides = store.overrides(node.key("kept")->view());
  CHECK(overrides->at("10.0.0.1:80:DEFAULT")->set_by == operator_address);
  // It goes on from there.
  auto again = node.register_instance("kept", "10.0.0.3", {}, false);
  node.settle();
  CHECK(again.code() == ec::none);
  CHECK(node.shown("kept") == "10.0.0.1+ 10.0.0.3+");
}

TEST_CASE("store: a switch that is refused is written to no disk") {
  node_fixture node;
  node.advance(2s);
  auto rounds = node.disk->rounds;
  std::string huge(2'000'000, 'x');
  for (auto& [entry, value] : {std::pair<std::string, std::string>("masters", huge),
                               {"clientBeatInterval", huge},
                               {huge, "1"},
                               {"distroThreshold", "x"}}) {
    CAPTURE(entry.substr(0, 64));
    auto refused = ask(node, set_switch{entry, value, false, nullptr});
    node.settle();
    REQUIRE(refused.done());
    CHECK(refused.code() == ec::illegal_value);
  }
  CHECK(node.disk->rounds == rounds);
  auto taken = ask(node, set_switch{"pushEnabled", "false", false, nullptr});
  node.settle();
  REQUIRE(taken.done());
  CHECK(taken.code() == ec::none);
  CHECK(node.disk->rounds > rounds);
}

TEST_CASE("store: a service with settings stays though nobody publishes it, until it is removed") {
  node_fixture node;
  ask(node, create_service{node.key("s"), {}, nullptr});
  node.advance(200s, 1s);
  REQUIRE(node.find("s"));
  CHECK(node.find("s")->listed);
  auto removed = ask(node, remove_service{node.key("s"), nullptr});
  node.settle();
  CHECK(removed.code() == ec::none);
  CHECK_FALSE(node.find("s")->listed);
  CHECK_FALSE(node.context->tables.store.metadata(node.key("s")->view()));
  auto again = ask(node, remove_service{node.key("s"), nullptr});
  node.settle();
  CHECK(again.code() == ec::service_not_found);
  node.advance(70s, 1s);
  CHECK_FALSE(node.find("s"));
}

TEST_CASE(
  "store: of an instance of each kind at once the agreed one stays, and nothing of the other") {
  under_seeds(
    [](std::uint64_t seed) {
      auto disk = std::make_shared<memory_disk>();
      std::string shown;
      {
        node_fixture node(seed, warm(), 3, disk);
        auto persistent = node.register_instance("s", "10.0.0.1", {}, false);
        auto ephemeral = node.register_instance("s", "10.0.0.2");
        node.advance(1s);
        bool agreed = persistent.code() == ec::none;
        CHECK((agreed || persistent.code() == ec::kind_conflict));
        // One that was taken before the other was agreed on had its answer.
        CHECK((agreed || ephemeral.code() == ec::none));
        CHECK(node.shown("s") == (agreed ? "10.0.0.1+" : "10.0.0.2+"));
        auto late = node.register_instance("s", "10.0.0.3", {}, agreed);
        node.advance(1s);
        CHECK(late.code() == ec::kind_conflict);
        caf::anon_send_exit(node.context->tables.directory.find_actor(node.key("s")->view()),
                            caf::exit_reason::kill);
        node.advance(1s);
        CHECK(node.shown("s") == (agreed ? "10.0.0.1+" : "10.0.0.2+"));
        shown = agreed ? "10.0.0.1+" : "";
      }
      node_fixture node(seed, warm(), 3, disk);
      CHECK(node.shown("s") == shown);
    },
    200);
}

TEST_CASE("store: whoever is killed, what was acknowledged is there, also after a restart") {
  under_seeds(
    [](std::uint64_t seed) {
      auto disk = std::make_shared<memory_disk>();
      std::vector<pending_write> writes;
      auto ip_of = [](std::size_t i) { return "10.0.0." + std::to_string(i); };
      auto check_all = [&](const node_fixture& node) {
        for (std::size_t i = 0; i < writes.size(); ++i) {
          CAPTURE(i);
          auto view = node.find("s");
          bool is_there = view && view->find_instance(ip_of(i), 80, "DEFAULT");
          if (writes[i].code() == ec::none)
            CHECK(is_there);
        }
      };
      std::string shown;
      {
        node_fixture node(seed, warm(), 2, disk);
        auto& actors = node.context->actors;
        for (std::size_t i = 0; i < 30; ++i) {
          writes.push_back(node.register_instance("s", ip_of(i), {}, false));
          for (auto n = node.rng() % 12; n > 0; --n)
            node.step();
          switch (node.rng() % 12) {
            case 0:
              caf::anon_send_exit(actors.store.get(), caf::exit_reason::kill);
              break;
            case 1:
              caf::anon_send_exit(actors.store_writer.get(), caf::exit_reason::kill);
              break;
            case 2:
              caf::anon_send_exit(actors.metadata.get(), caf::exit_reason::kill);
              break;
            case 3:
              node.advance(300ms);
              break;
            default:
              break;
          }
        }
        node.advance(10s);
        for (auto& x : writes)
          REQUIRE(x.done());
        auto last = node.register_instance("s", "10.0.1.1", {}, false);
        node.advance(1s);
        CHECK(last.code() == ec::none);
        check_all(node);
        shown = node.shown("s");
      }
      node_fixture node(seed, warm(), 2, disk);
      check_all(node);
      CHECK(node.shown("s") == shown);
    },
    300);
}

TEST_CASE("store: a failing disk refuses what needs it, serves the rest, and heals") {
  node_fixture node;
  node.disk->fails = "no space left";
  auto first = node.register_instance("p", "10.0.0.1", {}, false);
  auto ephemeral = node.register_instance("e", "10.0.0.1");
  node.settle();
  CHECK(ephemeral.code() == ec::none);
  node.advance(3s + 250ms);
  CHECK(first.code() == ec::unavailable);
  auto second = node.register_instance("p", "10.0.0.2", {}, false);
  node.settle();
  CHECK(second.code() == ec::unavailable);
  CHECK(second.results->at(0).text.find("no space left") != std::string::npos);
  CHECK(report_of(node).find("no space left") != std::string::npos);
  node.disk->fails.clear();
  node.advance(2s);
  auto third = node.register_instance("p", "10.0.0.3", {}, false);
  node.settle();
  CHECK(third.code() == ec::none);
  // The first was given up, but nobody took it back.
  CHECK(node.shown("p") == "10.0.0.1+ 10.0.0.3+");
}

TEST_CASE("store: a long log is replaced by a state, and nothing is lost by it") {
  auto disk = std::make_shared<memory_disk>();
  std::string shown;
  {
    node_fixture node(1, warm(), 2, disk);
    std::string text(1'000, 'x');
    for (int i = 0; i < 20'000 && disk->states < 2; ++i) {
      node.register_instance("s", "10.0.0." + std::to_string(i % 50),
                             {{"k", text + std::to_string(i)}}, false);
      node.settle();
    }
    CHECK(disk->states == 2);
    CHECK(report_of(node).find("\"storedStates\":2") != std::string::npos);
    shown = node.shown("s");
  }
  CHECK(disk->load()->member.entries.size() < 10'000);
  node_fixture node(1, warm(), 2, disk);
  CHECK(node.shown("s") == shown);
}

TEST_CASE("store: a read that is confirmed sees what was acknowledged, at once") {
  node_fixture node;
  for (int i = 1; i < 20; ++i) {
    auto ip = "10.0.0." + std::to_string(i);
    auto write = node.register_instance("s", ip, {}, false);
    node.settle();
    REQUIRE(write.code() == ec::none);
    pending_write read;
    caf::anon_send(node.context->actors.store.get(), confirm_reads{read.ticket()});
    node.settle();
    CHECK(read.code() == ec::none);
    CHECK(node.shown("s").find(ip + '+') != std::string::npos);
  }
}

TEST_CASE("store: a leader alone has nobody to hand over to, or to remove") {
  node_fixture node;
  for (auto text : {"", "1", "10.0.0.1:8848"}) {
    pending_write transferred;
    pending_write removed;
    auto store = node.context->actors.store.get();
    caf::anon_send(store, transfer_leadership{text, transferred.ticket()});
    caf::anon_send(store, remove_member{text, removed.ticket()});
    node.settle();
    CHECK(transferred.code() == ec::illegal_value);
    CHECK(removed.code() == ec::illegal_value);
  }
}

TEST_CASE("store: what fits no message to the others, or is too much at once, is refused") {
  node_fixture node;
  auto propose_of = [&](std::size_t bytes, const std::string& ip) {
    instance x;
    x.ip = ip;
    x.port = 80;
    x.ephemeral = false;
    x.metadata = metadata_map{{"k", std::string(bytes, 'x')}};
    pending_write write;
    caf::anon_send(
      node.context->actors.store.get(),
      propose{agreed::put_instance{agreed::name_of(*node.key("s")), x}, "", write.ticket()});
    return write;
  };
  auto too_large = propose_of(8'500'000, "10.0.0.1");
  std::vector<pending_write> many;
  for (int i = 2; i < 12; ++i)
    many.push_back(propose_of(8'000'000, "10.0.0." + std::to_string(i)));
  node.settle();
  CHECK(too_large.code() == ec::limit_reached);
  CHECK(many.front().code() == ec::none);
  CHECK(many.back().code() == ec::unavailable);
  auto later = propose_of(10, "10.0.0.1");
  node.settle();
  CHECK(later.code() == ec::none);
  CHECK(report_of(node).find("\"waitingBytes\":0") != std::string::npos);
}
