// The log of one member: where entries are, and who belongs to the group by them.
#include <doctest/doctest.h>

#include "actors/store/ensure.hpp"
#include "actors/store/raft_log.hpp"

using namespace nacre;
using namespace nacre::raft;

namespace {

entry command(std::uint64_t term, std::uint64_t index, std::string data = "x") {
  return {{term, index}, entry_kind::command, std::move(data), {}};
}

entry change(std::uint64_t term, std::uint64_t index, membership members) {
  return {{term, index}, entry_kind::membership, {}, std::move(members)};
}

/// Five entries behind the base 2/10; the fourth makes the group 1, 2, 3 one of 1 and 2.
raft::log five() {
  raft::log x({2, 10}, {{1, 2, 3}, {}});
  for (std::uint64_t i = 11; i <= 13; ++i)
    x.append(command(2, i));
  x.append(change(3, 14, {{1, 2}, {3}}));
  x.append(command(3, 15));
  return x;
}

} // namespace

TEST_CASE("raft log: an entry is found by its index, and its term also at the base") {
  auto x = five();
  CHECK(x.last() == position{3, 15});
  CHECK(x.term_at(10) == 2);
  CHECK(x.term_at(14) == 3);
  CHECK(x.matches({2, 13}));
  CHECK_FALSE(x.matches({3, 13}));
  CHECK_FALSE(x.matches({2, 9}));
  CHECK_FALSE(x.matches({3, 16}));
  CHECK(x.at(12) == command(2, 12));
  CHECK_THROWS_AS(x.at(10), broken_invariant);
  CHECK_THROWS_AS(x.term_at(16), broken_invariant);
}

TEST_CASE("raft log: entries follow each other without a gap, and terms never fall") {
  auto x = five();
  CHECK_THROWS_AS(x.append(command(3, 17)), broken_invariant);
  CHECK_THROWS_AS(x.append(command(2, 16)), broken_invariant);
  CHECK(x.last_index() == 15);
}

TEST_CASE("raft log: a slice has what fits, and one entry at least") {
  raft::log x({}, {});
  for (std::uint64_t i = 1; i <= 4; ++i)
    x.append(command(1, i, std::string(100, 'x')));
  CHECK(x.slice(1, 1).size() == 1);
  CHECK(x.slice(1, 400).size() == 2);
  CHECK(x.slice(2, 100'000).size() == 3);
  CHECK(x.slice(5, 100).empty());
}

TEST_CASE("raft log: the latest group counts, and is undone with its entry (§4.1)") {
  auto x = five();
  CHECK(x.members() == membership{{1, 2}, {3}});
  CHECK(x.members_index() == 14);
  CHECK(x.members_at(13) == membership{{1, 2, 3}, {}});
  CHECK(x.had_voter_since(13, 3));
  CHECK_FALSE(x.had_voter_since(14, 3));
  x.truncate(14);
  CHECK(x.members() == membership{{1, 2, 3}, {}});
  CHECK(x.last() == position{2, 13});
}

TEST_CASE("raft log: what a stored state covers is forgotten, its end and its group are not") {
  for (std::uint64_t index = 10; index <= 15; ++index) {
    auto x = five();
    auto bytes = x.bytes();
    x.compact(index);
    CHECK(x.base() == position{index < 14 ? 2u : 3u, index});
    CHECK(x.last() == position{3, 15});
    CHECK(x.size() == 15 - index);
    CHECK((index == 10 ? x.bytes() == bytes : x.bytes() < bytes));
    CHECK(x.members() == membership{{1, 2}, {3}});
    CHECK(x.members_at(index)
          == (index < 14 ? membership{{1, 2, 3}, {}} : membership{{1, 2}, {3}}));
  }
}

TEST_CASE("raft log: a state from the leader begins it again") {
  auto x = five();
  x.reset({5, 40}, {{7}, {}});
  CHECK(x.last() == position{5, 40});
  CHECK(x.size() == 0);
  CHECK(x.bytes() == 0);
  CHECK(x.members() == membership{{7}, {}});
  x.append(command(5, 41));
  CHECK(x.last_index() == 41);
}
