// The rules by which nodes come to agree on one record, over all cases there are: four states on
// each side, four orders of versions, sixteen sets of facts.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "actors/distro/record_merge.hpp"

using namespace nacre;

namespace {

using content = merge_result::content;

constexpr auto healthy = record_state::healthy;
constexpr auto unhealthy = record_state::unhealthy;
constexpr auto lapsed = record_state::lapsed;
constexpr auto removed = record_state::removed;
constexpr std::array states{healthy, unhealthy, lapsed, removed};

const char* name_of(record_state x) {
  constexpr const char* names[] = {"healthy", "unhealthy", "lapsed", "removed"};
  return names[static_cast<std::size_t>(x)];
}

std::string text_of(const merge_side& x) {
  return std::string(name_of(x.state)) + "@" + std::to_string(x.version);
}

merge_facts facts_of(unsigned bits) {
  merge_facts facts;
  facts.is_responsible = (bits & 1) != 0;
  facts.sender_is_responsible = (bits & 2) != 0;
  facts.fresh = (bits & 4) != 0;
  facts.owner_lost = (bits & 8) != 0;
  return facts;
}

/// Whether a node can be in that situation: one node is responsible for a client, and nobody is
/// fresh of whom no side says that he is healthy.
bool is_possible(const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
  bool two_responsible = facts.is_responsible && facts.sender_is_responsible;
  bool fresh_by_nobody = facts.fresh && mine.state != healthy && theirs.state != healthy;
  return !two_responsible && !fresh_by_nobody;
}

/// Calls `f(mine, theirs, facts)` with every case. A side of version 0 never heard of the record.
template <class F>
void for_each_case(F f) {
  for (auto mine : states)
    for (auto theirs : states)
      for (std::int64_t my_version : {0, 4, 5, 6})
        for (unsigned bits = 0; bits < 16; ++bits) {
          merge_side a{my_version, my_version == 0 ? removed : mine};
          merge_side b{5, theirs};
          auto facts = facts_of(bits);
          if (!is_possible(a, b, facts))
            continue;
          CAPTURE(text_of(a));
          CAPTURE(text_of(b));
          CAPTURE(bits);
          f(a, b, facts);
        }
}

/// What the record is after a merge.
merge_side merged(const merge_side& mine, const merge_side& theirs, const merge_result& x) {
  switch (x.keep) {
    case content::mine:
      return {mine.version, x.state};
    case content::theirs:
      return {theirs.version, x.state};
    case content::mine_renewed:
      break;
  }
  return {theirs.version + 1, x.state};
}

/// A node with its record of a client that beats.
struct node {
  merge_side record;
  bool responsible = false;
  /// It heard the client within its term.
  bool heard = false;

  bool is_fresh() const { return heard && record.state == healthy; }
};

/// `to` hears what `from` holds. @returns whether `to` wants to tell `from` something
bool tell(const node& from, node& to) {
  merge_facts facts;
  facts.is_responsible = to.responsible;
  facts.sender_is_responsible = from.responsible;
  facts.fresh = to.is_fresh() || from.is_fresh();
  auto result = merge_record(to.record, from.record, facts);
  auto after = merged(to.record, from.record, result);
  to.heard = to.heard || (from.is_fresh() && is_alive(after.state));
  to.record = after;
  return result.tell_sender;
}

bool same(const node& a, const node& b) {
  bool both_gone = !is_alive(a.record.state) && !is_alive(b.record.state);
  return both_gone || (a.record.version == b.record.version && a.record.state == b.record.state);
}

/// One round of what two nodes do that found their records to differ: who has the newer version
/// tells, both if they have the same; an answer goes back until nobody has one.
void exchange(node& a, node& b) {
  if (a.record.version <= b.record.version && tell(b, a))
    tell(a, b);
  if (b.record.version <= a.record.version && tell(a, b))
    tell(b, a);
}

} // namespace

TEST_CASE("the same message twice changes nothing the second time") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    auto first = merged(mine, theirs, merge_record(mine, theirs, facts));
    auto again = facts;
    again.fresh = facts.fresh && (first.state == healthy || theirs.state == healthy);
    auto second = merged(first, theirs, merge_record(first, theirs, again));
    CHECK(second.version == first.version);
    CHECK(second.state == first.state);
  });
}

TEST_CASE("no side ends with an older version than it had") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    CHECK(merged(mine, theirs, merge_record(mine, theirs, facts)).version >= mine.version);
  });
}

TEST_CASE("a removal of a newer version always wins") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    auto after = merged(mine, theirs, merge_record(mine, theirs, facts));
    if (theirs.state == removed && theirs.version > mine.version)
      CHECK(after.state == removed);
    if (mine.state == removed && mine.version > theirs.version)
      CHECK(after.state == removed);
  });
}

TEST_CASE("what was removed is not resurrected by the same or an older version") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    if (mine.state == removed && mine.version >= theirs.version)
      CHECK_FALSE(is_alive(merge_record(mine, theirs, facts).state));
  });
}

TEST_CASE("a client that somebody heard within its term never lapses") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    if (facts.fresh && is_alive(mine.state) && theirs.state == lapsed)
      CHECK(is_alive(merge_record(mine, theirs, facts).state));
  });
}

TEST_CASE("only who is responsible can say that a living client lapsed") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    auto result = merge_record(mine, theirs, facts);
    if (is_alive(mine.state) && result.state == lapsed)
      CHECK(facts.sender_is_responsible);
  });
}

TEST_CASE("of the same version, the responsible node's word about health holds") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    bool both_alive = is_alive(mine.state) && is_alive(theirs.state);
    if (!both_alive || facts.fresh || facts.owner_lost || mine.version != theirs.version)
      return;
    auto after = merge_record(mine, theirs, facts);
    if (facts.is_responsible)
      CHECK(after.state == mine.state);
    if (facts.sender_is_responsible)
      CHECK(after.state == theirs.state);
  });
}

TEST_CASE("somebody who heard the client within its term overrules all about its health") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    bool both_alive = is_alive(mine.state) && is_alive(theirs.state);
    if (both_alive && facts.fresh && !facts.owner_lost && mine.version <= theirs.version)
      CHECK(merge_record(mine, theirs, facts).state == healthy);
  });
}

TEST_CASE("connections of a lost node do not come back, unless that node says so itself") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    if (facts.owner_lost && !facts.sender_is_responsible && is_alive(theirs.state))
      CHECK(merge_record(mine, theirs, facts) == merge_result{content::mine, mine.state, false});
  });
}

TEST_CASE("who is told something older says what it holds, who is told something newer takes it") {
  for_each_case([](const merge_side& mine, const merge_side& theirs, const merge_facts& facts) {
    auto result = merge_record(mine, theirs, facts);
    if (facts.owner_lost || !is_alive(theirs.state) || mine.version == theirs.version)
      return;
    if (mine.version > theirs.version)
      CHECK(result == merge_result{content::mine, mine.state, true});
    else
      CHECK(result.keep == content::theirs);
  });
}

TEST_CASE("two nodes of which one is responsible, or heard the client, come to agree") {
  std::size_t cases = 0;
  for (auto a_state : states)
    for (auto b_state : states)
      for (std::int64_t a_version : {0, 4, 5, 6})
        for (unsigned bits = 0; bits < 16; ++bits) {
          node a{{a_version, a_version == 0 ? removed : a_state}};
          node b{{5, b_state}};
          a.responsible = (bits & 1) != 0;
          b.responsible = (bits & 2) != 0;
          a.heard = (bits & 4) != 0;
          b.heard = (bits & 8) != 0;
          bool somebody_knows = a.responsible || b.responsible || a.is_fresh() || b.is_fresh();
          // Each removal has a version of its own, so nothing living has the same.
          bool impossible =
            a_version == 5 && a_state != b_state && (a_state == removed || b_state == removed);
          if ((a.responsible && b.responsible) || impossible || !somebody_knows)
            continue;
          CAPTURE(text_of(a.record));
          CAPTURE(text_of(b.record));
          CAPTURE(bits);
          ++cases;
          for (int round = 0; round < 3 && !same(a, b); ++round)
            exchange(a, b);
          CHECK_MESSAGE(same(a, b), text_of(a.record), " and ", text_of(b.record));
        }
  CHECK(cases > 300);
}

TEST_CASE("each rule, by its name") {
  struct row {
    const char* rule;
    merge_side mine;
    merge_side theirs;
    merge_facts facts;
    merge_result result;
  };
  constexpr merge_facts none{};
  constexpr merge_facts responsible{.is_responsible = true};
  constexpr merge_facts sender{.sender_is_responsible = true};
  constexpr merge_facts fresh{.fresh = true};
  constexpr merge_facts lost{.owner_lost = true};
  const row rows[] = {
    {"what was never heard of is taken", {}, {5, healthy}, none, {content::theirs, healthy, false}},
    {"a newer version is taken",
     {4, healthy},
     {5, unhealthy},
     none,
     {content::theirs, unhealthy, false}},
    {"an older one is answered", {6, healthy}, {5, healthy}, none, {content::mine, healthy, true}},
    {"a removal beats a life sign of an older version",
     {6, removed},
     {5, healthy},
     fresh,
     {content::mine, removed, true}},
    {"a registration beats an older removal",
     {4, removed},
     {5, healthy},
     none,
     {content::theirs, healthy, false}},
    {"a removal is taken from anybody",
     {4, healthy},
     {5, removed},
     none,
     {content::theirs, removed, false}},
    {"a removal has a version of its own",
     {5, healthy},
     {5, removed},
     none,
     {content::mine, healthy, false}},
    {"an older removal is answered",
     {6, healthy},
     {5, removed},
     none,
     {content::mine, healthy, true}},
    {"a lapse is taken from the responsible node",
     {5, healthy},
     {5, lapsed},
     sender,
     {content::theirs, lapsed, false}},
    {"a lapse is not taken from another",
     {5, healthy},
     {5, lapsed},
     none,
     {content::mine, healthy, false}},
    {"a lapse is contradicted by who heard the client",
     {5, healthy},
     {5, lapsed},
     fresh,
     {content::mine, healthy, true}},
    {"a lapse is contradicted by the responsible node",
     {5, healthy},
     {5, lapsed},
     responsible,
     {content::mine, healthy, true}},
    {"a lapse of a newer version is outbid by who heard the client",
     {4, healthy},
     {5, lapsed},
     fresh,
     {content::mine_renewed, healthy, true}},
    {"a lapse of an older version is answered",
     {6, healthy},
     {5, lapsed},
     sender,
     {content::mine, healthy, true}},
    {"a lapsed client is raised by who heard it",
     {5, lapsed},
     {5, healthy},
     fresh,
     {content::theirs, healthy, false}},
    {"a lapsed client is raised by the responsible node",
     {5, lapsed},
     {5, unhealthy},
     sender,
     {content::theirs, unhealthy, false}},
    {"a lapsed client is not raised by another",
     {5, lapsed},
     {5, healthy},
     none,
     {content::mine, lapsed, false}},
    {"the responsible node insists on its lapse",
     {5, lapsed},
     {5, healthy},
     responsible,
     {content::mine, lapsed, true}},
    {"health is taken from the responsible node",
     {5, healthy},
     {5, unhealthy},
     sender,
     {content::mine, unhealthy, false}},
    {"health is not taken from another",
     {5, healthy},
     {5, unhealthy},
     none,
     {content::mine, healthy, false}},
    {"the responsible node contradicts about health",
     {5, healthy},
     {5, unhealthy},
     responsible,
     {content::mine, healthy, true}},
    {"who heard the client contradicts the responsible node",
     {5, healthy},
     {5, unhealthy},
     {.sender_is_responsible = true, .fresh = true},
     {content::mine, healthy, true}},
    {"a connection of a lost node is not taken",
     {},
     {5, healthy},
     lost,
     {content::mine, removed, false}},
    {"unless from that node itself",
     {},
     {5, healthy},
     {.sender_is_responsible = true, .owner_lost = true},
     {content::theirs, healthy, false}},
  };
  for (auto& x : rows) {
    CAPTURE(x.rule);
    auto result = merge_record(x.mine, x.theirs, x.facts);
    CHECK(result == x.result);
  }
}
