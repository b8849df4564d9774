// Every actor is in the tree that operators see: nobody is supervised by hand, or not at all.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "tests/kit/actor_tree.hpp"
#include "tests/kit/simulated_cluster.hpp"

using namespace nacre;
using namespace nacre::test;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// The names that the actors' states have in the sources.
std::set<std::string> names_in_sources() {
  const std::regex line("constexpr const char\\* name = \"([a-z-]+)\";");
  std::set<std::string> names;
  for (auto& file : fs::recursive_directory_iterator(fs::path(NACRE_SOURCE_DIR) / "actors")) {
    if (file.path().extension() != ".hpp")
      continue;
    std::ifstream in(file.path());
    for (std::string text; std::getline(in, text);)
      if (std::smatch found; std::regex_search(text, found, line))
        names.insert(found[1]);
  }
  return names;
}

std::set<std::string> kinds_of(const std::vector<tree_entry>& actors) {
  std::set<std::string> kinds;
  for (auto& x : actors)
    kinds.insert(x.kind);
  return kinds;
}

/// A cluster with a service and a gRPC client on its first node.
struct populated_cluster : simulated_cluster {
  populated_cluster() : simulated_cluster(1) {
    start_all();
    register_instance(0, "s", "10.0.0.1");
    client_ = connect(0);
    publish(client_, "s", "10.0.0.2");
    run(1s);
  }

  std::string report(const inspect& wanted) {
    pending_write write;
    auto request = wanted;
    request.answer = write.ticket();
    caf::anon_send(nodes[0].context->actors.inspector.get(), request);
    run(step_length);
    REQUIRE(write.done());
    return write.results->at(0).text;
  }

private:
  client client_;
};

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto i = text.find(part); i != text.npos; i = text.find(part, i + 1))
    ++n;
  return n;
}

} // namespace

TEST_CASE("every kind of actor that the sources name is in the tree of a node") {
  populated_cluster cluster;
  auto named = names_in_sources();
  CHECK(named.size() >= 19);
  auto found = kinds_of(actor_tree(cluster, *cluster.nodes[0].context));
  node_fixture lone; // which has a store
  found.merge(kinds_of(actor_tree(lone, *lone.context)));
  CHECK(found == named);
}

TEST_CASE("the tree has all actors of the system, each under its parent") {
  populated_cluster cluster;
  std::set<std::uint64_t> ids;
  for (auto& node : cluster.nodes)
    for (auto& x : actor_tree(cluster, *node.context)) {
      CHECK(ids.insert(x.actor.id()).second);
      CHECK((x.parent == 0) == (x.kind == "node"));
    }
  CHECK(ids.size() + 1 == cluster.sys.registry().running()); // and the test's own
}

TEST_CASE("the report has every kind, its totals, and pages") {
  populated_cluster cluster;
  auto all = cluster.report({});
  for (auto& kind : kinds_of(actor_tree(cluster, *cluster.nodes[0].context)))
    CHECK_MESSAGE(count_of(all, "\"kind\":\"" + kind + '"') > 0, kind);
  CHECK(count_of(all, "\"distro-peer\":2,") == 1);
  auto total = count_of(all, "\"kind\":\"");
  CHECK(all.starts_with("{\"count\":" + std::to_string(total) + ','));
  inspect page;
  std::string pages;
  for (page.limit = 4; page.offset < total; page.offset += page.limit) {
    auto text = cluster.report(page);
    CHECK(count_of(text, "\"kind\":\"") == std::min(page.limit, total - page.offset));
    pages += text;
  }
  CHECK(count_of(pages, "\"kind\":\"") == total);
  CHECK(count_of(pages, "\"kind\":\"service\"") == 1);
}

TEST_CASE("the report can be of one kind, one key or one parent") {
  populated_cluster cluster;
  auto tree = actor_tree(cluster, *cluster.nodes[0].context);
  auto report = [&](const std::string& kind, const std::string& key,
                    std::optional<std::uint64_t> parent) {
    inspect wanted;
    wanted.kind = kind;
    wanted.key = key;
    wanted.parent = parent;
    return cluster.report(wanted);
  };
  CHECK(report("distro-sync", "", {}).starts_with("{\"count\":2,"));
  CHECK(report("connection-client", "", {}).starts_with("{\"count\":1,"));
  CHECK(report("nothing", "", {}).starts_with("{\"count\":0,"));
  CHECK(
    report("", cluster.nodes[1].address, {}).starts_with("{\"count\":4,")); // a peer, its children
  CHECK(report("service", "@@s", {}).starts_with("{\"count\":1,"));
  for (auto& x : tree) {
    auto children =
      std::count_if(tree.begin(), tree.end(), [&](auto& y) { return y.parent == x.actor.id(); });
    CHECK(report("", "", x.actor.id()).starts_with("{\"count\":" + std::to_string(children) + ','));
  }
}

TEST_CASE("each actor can be shown with its details, by its id") {
  populated_cluster cluster;
  for (auto& x : actor_tree(cluster, *cluster.nodes[0].context)) {
    inspect one;
    one.id = x.actor.id();
    auto text = cluster.report(one);
    CHECK(text.find("\"kind\":\"" + x.kind + '"') != text.npos);
    CHECK(text.find("\"parent\":" + std::to_string(x.parent) + ',') != text.npos);
    CHECK(text.find("\"details\":{") != text.npos);
  }
  inspect none;
  none.id = 1'000'000;
  CHECK(cluster.report(none) == "no actor has the id 1000000");
}
