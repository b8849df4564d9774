#include "actors/tables/directory.hpp"
#include "tests/kit/deterministic.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace nacre;
using namespace nacre::test;

namespace {

/// `group/name` of every listed service of the range, at most `count` of them.
std::vector<std::string> read(const directory& all, const directory::name_range& range,
                              std::size_t count = std::string::npos) {
  std::vector<std::string> result;
  all.for_each_listed(range, [&](const service_ref& key) {
    result.push_back(key->group + '/' + key->name);
    return result.size() < count;
  });
  return result;
}

} // namespace

TEST_CASE("a range of names is what a walk over all of them finds, in order, of however many") {
  node_fixture node;
  std::vector<service_ref> keys;
  auto add = [&](std::string_view space, std::string_view group, const std::string& name) {
    keys.push_back(make_service_ref({space, group, name}));
  };
  for (auto group : {"a", "ab", "b", "c"})
    for (int i = 0; i < (*group == 'a' ? 1'100 : 3); ++i)
      add("public", group, (i % 3 ? "s" : "t") + std::to_string(i));
  for (int i = 0; i < 1'200; ++i) // more groups than are read at a time
    add("public", "many" + std::to_string(i), "s");
  add("other", "a", "s1");
  instance what;
  what.ip = "10.0.0.1";
  what.port = 80;
  for (auto& key : keys)
    naming::register_instance(*node.context, key, what, {}, nullptr);
  node.settle();

  auto& all = node.context->tables.directory;
  REQUIRE(all.listed() == keys.size());
  std::sort(keys.begin(), keys.end(),
            [](const service_ref& x, const service_ref& y) { return x->view() < y->view(); });
  for (std::string space : {"public", "other", "none"})
    for (std::string group : {"", "a", "ab", "b", "many", "many9", "d", "z"})
      for (std::string name : {"", "s", "s1", "t9", "t99", "u"}) {
        std::vector<std::string> expected;
        for (auto& x : keys)
          if (x->namespace_id == space && x->group.starts_with(group) && x->name.starts_with(name))
            expected.push_back(x->group + '/' + x->name);
        CAPTURE(space);
        CAPTURE(group);
        CAPTURE(name);
        CHECK(read(all, {space, group, name}) == expected);
        expected.resize(std::min<std::size_t>(expected.size(), 1'500));
        CHECK(read(all, {space, group, name}, 1'500) == expected);
      }
}
