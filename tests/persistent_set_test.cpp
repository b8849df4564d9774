#include "actors/base/persistent_set.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace nacre;

namespace {

/// Counts its copies: what a change of the set costs.
struct item {
  int key = 0;
  int value = 0;
  static inline std::size_t copies = 0;

  item() = default;
  item(int k, int v) : key(k), value(v) {}
  item(const item& x) : key(x.key), value(x.value) { ++copies; }
  item(item&&) = default;
  item& operator=(const item& x) {
    key = x.key;
    value = x.value;
    ++copies;
    return *this;
  }
  item& operator=(item&&) = default;
};

struct key_of {
  const int& operator()(const item& x) const { return x.key; }
};

using item_set = persistent_set<item, key_of>;
using model_map = std::map<int, int>;

void check_same(const item_set& set, const model_map& model) {
  REQUIRE(set.size() == model.size());
  REQUIRE(set.empty() == model.empty());
  auto expected = model.begin();
  bool same = true;
  set.for_each([&](const item& x) {
    same =
      same && expected != model.end() && x.key == expected->first && x.value == expected->second;
    if (expected != model.end())
      ++expected;
  });
  REQUIRE(same);
  REQUIRE(expected == model.end());
}

bool finds_same(const item_set& set, const model_map& model, int key) {
  auto found = set.find(key);
  auto expected = model.find(key);
  return expected == model.end() ? found == nullptr
                                 : found && found->key == key && found->value == expected->second;
}

/// The parts of a set, told by the addresses of its items.
struct shape {
  std::size_t chunks = 0;
  std::size_t largest = 0;
};

shape shape_of(const item_set& set) {
  shape result;
  const item* last = nullptr;
  std::size_t run = 0;
  set.for_each([&](const item& x) {
    bool continues = last && &x == last + 1;
    run = continues ? run + 1 : 1;
    result.chunks += continues ? 0 : 1;
    result.largest = std::max(result.largest, run);
    last = &x;
  });
  return result;
}

std::vector<int> keys_in_order(int n, std::string_view order) {
  std::vector<int> keys(static_cast<std::size_t>(n));
  std::iota(keys.begin(), keys.end(), 0);
  if (order == "falling")
    std::reverse(keys.begin(), keys.end());
  else if (order == "random")
    std::shuffle(keys.begin(), keys.end(), std::minstd_rand(1));
  return keys;
}

item_set filled(int n, std::string_view order) {
  item_set set;
  for (auto key : keys_in_order(n, order))
    set = set.with({key, key});
  return set;
}

} // namespace

TEST_CASE("an empty set has nothing and gives nothing") {
  item_set set;
  CHECK(set.size() == 0);
  CHECK(set.empty());
  CHECK(set.find(1) == nullptr);
  CHECK(set.without(1).empty());
  set.for_each([](const item&) { FAIL("an item in an empty set"); });
}

TEST_CASE("a change makes a new set and leaves the old one as it is") {
  item_set none;
  auto one = none.with({1, 10});
  auto two = one.with({2, 20});
  auto changed = two.with({1, 11});
  auto less = changed.without(2);
  auto empty = less.without(1);
  CHECK(none.empty());
  check_same(one, {{1, 10}});
  check_same(two, {{1, 10}, {2, 20}});
  check_same(changed, {{1, 11}, {2, 20}});
  check_same(less, {{1, 11}});
  CHECK(empty.empty());
  check_same(empty.with({3, 30}), {{3, 30}});
}

TEST_CASE("removing what is not there gives the same set without a copy") {
  auto set = filled(1000, "rising");
  item::copies = 0;
  auto same = set.without(-1).without(1000);
  CHECK(item::copies == 0);
  CHECK(same.find(500) == set.find(500)); // the very same item
}

TEST_CASE("sets filled and emptied in any order stay sorted and complete") {
  for (std::string_view order : {"rising", "falling", "random"}) {
    CAPTURE(order);
    auto set = filled(3000, order);
    model_map model;
    for (int i = 0; i < 3000; ++i)
      model[i] = i;
    check_same(set, model);
    for (auto removal : {"rising", "falling", "random"}) {
      auto rest = set;
      auto left = model;
      for (auto key : keys_in_order(3000, removal)) {
        rest = rest.without(key);
        left.erase(key);
        if (key % 100 == 0)
          check_same(rest, left);
      }
      CHECK(rest.empty());
    }
    check_same(set, model);
  }
}

TEST_CASE("every version equals std::map at its time, also after all later changes") {
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    CAPTURE(seed);
    item_set set;
    model_map model;
    std::vector<std::pair<item_set, model_map>> versions;
    // From a handful of keys, always the same ones, to enough for many chunks.
    int keys = seed % 10 == 0 ? 1500 : 3 + static_cast<int>(rng() % 200);
    auto steps = seed % 10 == 0 ? 3000u : 300u;
    // Some histories grow, some shrink, some do one after the other.
    for (unsigned step = 0; step < steps; ++step) {
      auto removing = (seed + step / 500) % 3 == 0 ? 7u : 3u;
      auto key = static_cast<int>(rng()) % keys;
      if (rng() % 10 < removing) {
        set = set.without(key);
        model.erase(key);
      } else {
        auto value = static_cast<int>(rng());
        set = set.with({key, value});
        model[key] = value;
      }
      auto other = static_cast<int>(rng()) % (keys + 2) - 1;
      REQUIRE((finds_same(set, model, key) && finds_same(set, model, other)));
      if (rng() % (steps / 12) == 0)
        versions.emplace_back(set, model);
    }
    check_same(set, model);
    for (auto& [version, then] : versions)
      check_same(version, then);
  }
}

TEST_CASE("branches of one version do not see each other") {
  auto trunk = filled(500, "random");
  std::vector<item_set> branches;
  for (int i = 0; i < 50; ++i)
    branches.push_back(trunk.with({1000 + i, i}).without(i));
  for (int i = 0; i < 50; ++i) {
    auto& branch = branches[static_cast<std::size_t>(i)];
    CHECK(branch.size() == 500);
    for (int k = 0; k < 50; ++k) {
      CHECK((branch.find(1000 + k) != nullptr) == (k == i));
      CHECK((branch.find(k) != nullptr) == (k != i));
    }
  }
  CHECK(trunk.size() == 500);
}

TEST_CASE("filling a set twice as large copies twice as many items, not four times") {
  for (std::string_view order : {"rising", "falling", "random"}) {
    CAPTURE(order);
    auto copies_for = [&](int n) {
      item::copies = 0;
      filled(n, order);
      return item::copies;
    };
    auto small = copies_for(10'000);
    auto large = copies_for(20'000);
    CHECK(small > 10'000);
    CHECK(large < small * 3);
    CHECK(large < 20'000u * 200);
  }
}

TEST_CASE("emptying a set twice as large copies twice as many items, not four times") {
  for (std::string_view order : {"rising", "falling", "random"}) {
    CAPTURE(order);
    auto copies_for = [&](int n) {
      auto set = filled(n, "random");
      item::copies = 0;
      for (auto key : keys_in_order(n, order))
        set = set.without(key);
      CHECK(set.empty());
      return item::copies;
    };
    auto small = copies_for(10'000);
    CHECK(copies_for(20'000) < small * 3);
  }
}

TEST_CASE("a change costs about the root of the size: one chunk and the list of chunks") {
  for (std::string_view order : {"rising", "random"})
    for (int n : {1'000, 10'000, 40'000}) {
      auto parts = shape_of(filled(n, order));
      CAPTURE(order);
      CAPTURE(n);
      CAPTURE(parts.chunks);
      CAPTURE(parts.largest);
      // A change copies one chunk's items and the pointers to all chunks.
      CHECK(static_cast<double>(parts.chunks + parts.largest) < 128 + 4 * std::sqrt(n));
    }
}
