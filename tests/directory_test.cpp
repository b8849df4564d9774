#include "actors/tables/directory.hpp"
#include "tests/kit/deterministic.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace nacre;
using namespace nacre::test;

namespace {

/// Services that are listed, all with one actor.
class listed_services {
  node_fixture node_; // outlives all handles of its actor

public:
  listed_services() {
    node_.register_instance("s", "10.0.0.1");
    node_.settle();
  }

  void add(std::string_view space, std::string_view group, const std::string& name) {
    auto key = make_service_ref({space, group, name});
    auto actor = node_.context->tables.directory.find_actor(node_.key("s")->view());
    all.with_actor(
      key, [&] { return actor; }, [](const service_actor&) {});
    auto view = new service_view(*node_.find("s"));
    view->key = key;
    all.publish(view);
    keys.push_back(std::move(key));
  }

  void sort() {
    std::sort(keys.begin(), keys.end(),
              [](const service_ref& x, const service_ref& y) { return x->view() < y->view(); });
  }

  directory all;
  std::vector<service_ref> keys;
};

std::string text_of(const service_ref& key) { return key->group + '/' + key->name; }

/// Every listed service of the range, at most `count` of them.
std::vector<std::string> read(const directory& all, const directory::name_range& range,
                              std::size_t count = std::string::npos) {
  std::vector<std::string> result;
  all.for_each_listed(range, [&](const service_ref& key) {
    result.push_back(text_of(key));
    return result.size() < count;
  });
  return result;
}

} // namespace

TEST_CASE("a range of names is what a walk over all of them finds, in order, of however many") {
  listed_services services;
  for (std::string group : {"a", "ab", "b", "c"})
    for (int i = 0; i < (group.starts_with('a') ? 1'100 : 3); ++i)
      services.add("public", group, (i % 3 ? "s" : "t") + std::to_string(i));
  for (int i = 0; i < 1'200; ++i) // more groups than are read at a time
    services.add("public", "many" + std::to_string(i), "s");
  services.add("other", "a", "s1");
  services.sort();
  REQUIRE(services.all.listed() == services.keys.size());
  for (std::string space : {"public", "other", "none"})
    for (std::string group : {"", "a", "ab", "b", "many", "many9", "d", "z"})
      for (std::string name : {"", "s", "s1", "t9", "t99", "u"}) {
        std::vector<std::string> expected;
        for (auto& x : services.keys)
          if (x->namespace_id == space && x->group.starts_with(group) && x->name.starts_with(name))
            expected.push_back(text_of(x));
        CAPTURE(space);
        CAPTURE(group);
        CAPTURE(name);
        CHECK(read(services.all, {space, group, name}) == expected);
        expected.resize(std::min<std::size_t>(expected.size(), 1'500));
        CHECK(read(services.all, {space, group, name}, 1'500) == expected);
      }
}

TEST_CASE("names that go while they are read take no others with them") {
  listed_services services;
  for (int i = 0; i < 5'000; ++i)
    services.add("public", "g" + std::to_string(i % 7), std::to_string(i));
  services.sort();
  std::set<std::string> gone;
  std::vector<std::string> told;
  services.all.for_each_listed({"public", "", ""}, [&](const service_ref& key) {
    told.push_back(text_of(key));
    if (told.size() % 900 == 0) {
      auto at = std::find(services.keys.begin(), services.keys.end(), key);
      for (int i = 0; i < 300 && ++at != services.keys.end(); ++i) {
        gone.insert(text_of(*at));
        services.all.remove_if((*at)->view(), [] { return true; });
      }
    }
    return true;
  });
  CHECK(gone.size() > 1'000);
  CHECK(std::adjacent_find(told.begin(), told.end(), std::greater_equal<>()) == told.end());
  std::set<std::string> all_told(told.begin(), told.end());
  for (auto& key : services.keys)
    CHECK((all_told.contains(text_of(key)) || gone.contains(text_of(key))));
  auto namespace_goes = [&](const service_ref&) {
    for (auto& key : services.keys)
      services.all.remove_if(key->view(), [] { return true; });
    return true;
  };
  services.all.for_each_listed({"public", "", ""}, namespace_goes);
  CHECK(services.all.listed() == 0);
}
