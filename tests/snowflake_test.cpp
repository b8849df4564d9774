#include <doctest/doctest.h>

#include <set>

#include "actors/base/snowflake.hpp"
#include "tests/kit/times.hpp"

using namespace nacre;
using namespace nacre::test;

TEST_CASE("an id has the milliseconds since Nacos' epoch, the worker and a number in it") {
  snowflake_ids ids(5);
  auto id = ids.next(wall_at(1'533'429'240'000 + 77));
  CHECK((id >> 22) == 77);
  CHECK((id >> 12 & 0x3FFu) == 5);
  CHECK((id & 0xFFFu) == 0);
  CHECK((ids.next(wall_at(1'533'429'240'000 + 77)) & 0xFFFu) == 1);
}

TEST_CASE(
  "ids rise within a millisecond, over more than it has numbers, and when the clock steps back") {
  snowflake_ids ids(1);
  std::uint64_t last = 0;
  for (int i = 0; i < 10'000; ++i) {
    auto id = ids.next(wall_at(1'795'000'000'000 - i / 5'000));
    REQUIRE(id > last);
    last = id;
  }
}

TEST_CASE("different workers never make the same id") {
  std::set<std::uint64_t> all;
  for (std::uint32_t worker : {0u, 1u, 1'023u}) {
    snowflake_ids ids(worker);
    for (int i = 0; i < 5'000; ++i)
      REQUIRE(all.insert(ids.next(wall_at(1'795'000'000'000 + i / 1'000))).second);
  }
}

TEST_CASE(
  "no two nodes of a cluster have the same worker, and one keeps its own when others come") {
  std::vector<std::string> members;
  for (int i = 0; i < 1'024; ++i)
    members.push_back("10.0." + std::to_string(i / 256) + '.' + std::to_string(i % 256) + ":8848");
  std::set<std::uint32_t> all;
  for (auto& x : members)
    CHECK(all.insert(snowflake_worker(x, members)).second);
  CHECK(*all.rbegin() == 1'023);
  // Three nodes of one machine, and what is left of them.
  std::vector<std::string> three{"127.0.0.1:8848", "127.0.0.1:8849", "127.0.0.1:8850"};
  CHECK(snowflake_worker(three[2], three) == snowflake_worker(three[2], {three[2]}));
  CHECK(snowflake_worker(three[0], three) != snowflake_worker(three[1], three));
  // A full house does not go on looking for ever.
  members.push_back("10.9.9.9:8848");
  CHECK(snowflake_worker("10.9.9.9:8848", members) < 1'024);
}
