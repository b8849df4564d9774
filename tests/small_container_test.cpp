// Containers that spend little on each item.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "actors/base/few.hpp"
#include "actors/base/pointer_set.hpp"

using namespace nacre;

namespace {

struct item : boost::intrusive_ref_counter<item, boost::thread_safe_counter> {
  explicit item(unsigned k, int v = 0) : key(k), value(v) { ++alive; }
  ~item() { --alive; }
  const unsigned key;
  const int value;
  static inline int alive = 0;
};

/// Many have the same hash, and some are at the end of all places.
struct hash_of {
  std::size_t operator()(const item& x) const { return (*this)(x.key); }
  std::size_t operator()(unsigned key) const {
    return key % 3 == 0 ? 0xffffffffu : key / 4 * 99999937u;
  }
};

struct same_key {
  bool operator()(const item& a, const item& b) const { return a.key == b.key; }
  bool operator()(const item& a, unsigned key) const { return a.key == key; }
};

using item_set = pointer_set<const item, hash_of, same_key>;

} // namespace

TEST_CASE("a pointer set holds what a map would, whatever the order of changes") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::minstd_rand rng(seed);
    item_set set;
    std::map<unsigned, int> wanted;
    for (int i = 0; i < 2000; ++i) {
      auto key = static_cast<unsigned>(rng() % 200);
      if (rng() % 5 < 3) {
        set.put(new item(key, i));
        wanted[key] = i;
      } else {
        set.erase(item(key));
        wanted.erase(key);
      }
      REQUIRE(set.size() == wanted.size());
    }
    for (unsigned key = 0; key < 200; ++key) {
      auto found = set.find(key, hash_of{}(key));
      REQUIRE((found != nullptr) == (wanted.count(key) == 1));
      if (found)
        CHECK((*found)->value == wanted[key]);
    }
    CHECK(item::alive == static_cast<int>(wanted.size()));
  }
  CHECK(item::alive == 0);
}

TEST_CASE("a pointer set loses all for which a condition holds, and no other") {
  item_set set;
  for (unsigned key = 0; key < 500; ++key)
    set.put(new item(key));
  set.erase_if([](const item& x) { return x.key % 2 == 0; });
  CHECK(set.size() == 250);
  std::set<unsigned> left;
  set.some(1000, [&](const item& x) { left.insert(x.key); });
  CHECK(left.size() == 250);
  CHECK(std::none_of(left.begin(), left.end(), [](unsigned x) { return x % 2 == 0; }));
  std::size_t seen = 0;
  set.some(10, [&](const item&) { ++seen; });
  CHECK(seen == 10);
}

TEST_CASE("a walk over a pointer set misses none that stays, whatever comes and goes") {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    item_set set;
    std::set<unsigned> stayed;
    for (unsigned key = 0; key < 60; ++key) {
      set.put(new item(key));
      stayed.insert(key);
    }
    std::set<unsigned> seen;
    item_set::walk way;
    int turns = 0;
    while (set.walk_on(way, random() % 8, [&](auto& x) { seen.insert(x->key); })) {
      if (++turns > 1'000)
        break; // more come than are seen: it need not end
      for (auto changes = random() % 4; changes > 0; --changes) {
        auto key = static_cast<unsigned>(random() % 80);
        if (random() % 3 == 0) {
          set.put(new item(key));
        } else {
          set.erase(item(key));
          stayed.erase(key);
        }
      }
    }
    CHECK(turns <= 1'000);
    CHECK(std::includes(seen.begin(), seen.end(), stayed.begin(), stayed.end()));
    std::size_t all = 0;
    set.each([&](auto& x) {
      CHECK(x);
      ++all;
    });
    CHECK(all == set.size());
  }
}

TEST_CASE("an empty pointer set finds nothing") {
  item_set set;
  CHECK(set.find(1u, 1) == nullptr);
  set.erase(item(1));
  set.erase_if([](const item&) { return true; });
  CHECK(set.size() == 0);
}

TEST_CASE("a list of few is a list") {
  using texts = few<std::string>;
  auto long_text = [](std::size_t i) { return std::string(30, static_cast<char>('a' + i % 26)); };
  for (std::size_t size = 0; size < 10; ++size) {
    texts list;
    for (std::size_t i = 0; i < size; ++i)
      list.push_back(long_text(i));
    auto copy = list;
    auto moved = std::move(list);
    CHECK(list.empty());
    list.push_back("again");
    CHECK(list.front() == "again");
    for (auto* x : {&copy, &moved}) {
      REQUIRE(x->size() == size);
      for (std::size_t i = 0; i < size; ++i)
        CHECK((*x)[i] == long_text(i));
    }
    copy = list;
    CHECK(copy.size() == 1);
    list = moved;
    CHECK(list.size() == size);
    texts part(moved.begin(), moved.end());
    CHECK(std::equal(part.begin(), part.end(), moved.begin(), moved.end()));
  }
}

TEST_CASE("a list of few has one item in itself") {
  CHECK(sizeof(few<std::string>) == 8 + sizeof(std::string));
}
