// What a node knows of others: messages go in, a view comes out.
#include <doctest/doctest.h>

#include "actors/distro/cluster_context.hpp"
#include "actors/distro/member_table.hpp"
#include "tests/kit/times.hpp"

using namespace nacre;
using namespace nacre::test;
using namespace std::chrono_literals;

namespace {

/// Node `a` of three, and how it sees `b` and `c`. Terms are the defaults: suspicious after 3 s,
/// down after 10 s; connections are lost 15 s after a death, after 180 s of silence.
struct three_nodes {
  static std::vector<std::string> addresses() { return {"a:1", "b:1", "c:1"}; }

  three_nodes() : three_nodes(cluster_context("a:1", 7, addresses()).now()) {}
  explicit three_nodes(cluster_view_ptr last) : table(options, std::move(last), at(0)) {}

  void hear(const std::string& peer, std::int64_t at_ms, std::int64_t incarnation = 1,
            heartbeat_content said = {}) {
    table.apply(peer_heard{peer, incarnation, at(at_ms), true, std::move(said)});
  }

  void refuse(const std::string& peer, std::int64_t at_ms) {
    table.apply(link_changed{peer, false, true}, at(at_ms));
  }

  member see(const std::string& peer, std::int64_t at_ms) {
    return *table.view(at(at_ms))->find(peer);
  }

  member_state state(const std::string& peer, std::int64_t at_ms) { return see(peer, at_ms).state; }

  cluster_options options;
  member_table table;
};

constexpr auto up = member_state::up;
constexpr auto suspicious = member_state::suspicious;
constexpr auto down = member_state::down;

heartbeat_content telling_of(const std::string& node, std::int64_t incarnation,
                             std::int64_t alive_ms) {
  heartbeat_content said;
  said.others.push_back({node, incarnation, at(alive_ms)});
  return said;
}

heartbeat_content telling_death_of(const std::string& node, std::int64_t incarnation) {
  heartbeat_content said;
  said.others.push_back({node, incarnation, std::nullopt});
  return said;
}

heartbeat_content saying(bool loaded, std::uint64_t records,
                         std::optional<steady_time> heard_us = std::nullopt) {
  return {loaded, records, heard_us, {}};
}

} // namespace

TEST_CASE("this node is up and knows its incarnation; others are suspicious until they are heard") {
  three_nodes x;
  CHECK(x.state("a:1", 0) == up);
  CHECK(x.see("a:1", 0).incarnation == 7);
  CHECK(x.state("b:1", 0) == suspicious);
  x.hear("b:1", 100);
  CHECK(x.state("b:1", 100) == up);
  CHECK(x.state("c:1", 100) == suspicious);
}

TEST_CASE(
  "silence makes a member suspicious after 3 s, down after 10 s, its connections lost later") {
  three_nodes x;
  x.hear("b:1", 1'000);
  const std::pair<std::int64_t, member_state> rows[] = {{1'000, up},         {3'999, up},
                                                        {4'000, suspicious}, {10'999, suspicious},
                                                        {11'000, down},      {200'000, down}};
  for (auto& [ms, state] : rows) {
    CAPTURE(ms);
    CHECK(x.state("b:1", ms) == state);
  }
  CHECK_FALSE(x.see("b:1", 180'999).lost);
  CHECK(x.see("b:1", 181'000).lost);
  CHECK_FALSE(x.see("b:1", 181'000).dead); // silence is not death
}

TEST_CASE("a member that refuses for half a second is dead, and its connections have 15 s") {
  three_nodes x;
  x.hear("b:1", 1'000);
  x.refuse("b:1", 2'000);
  x.refuse("b:1", 2'400); // again: it counts from the first
  CHECK_FALSE(x.see("b:1", 2'499).dead);
  CHECK(x.see("b:1", 2'500).dead);
  CHECK(x.state("b:1", 2'500) == down);
  CHECK_FALSE(x.see("b:1", 15'999).lost);
  CHECK(x.see("b:1", 16'000).lost);
}

TEST_CASE("a link that closed for another reason is no refusal, and a later frame ends one") {
  three_nodes x;
  x.hear("b:1", 1'000);
  x.refuse("b:1", 1'100);
  x.table.apply(link_changed{"b:1", false, false}, at(1'200));
  CHECK_FALSE(x.see("b:1", 2'000).dead);
  x.refuse("b:1", 2'100);
  x.hear("b:1", 2'300);
  CHECK_FALSE(x.see("b:1", 3'000).dead);
}

TEST_CASE("a sign of life that others heard after the refusal counts: it may be between us two") {
  three_nodes x;
  x.hear("b:1", 1'000);
  x.refuse("b:1", 1'100);
  x.hear("c:1", 1'700, 1, telling_of("b:1", 1, 1'650));
  CHECK_FALSE(x.see("b:1", 1'800).dead);
  CHECK(x.state("b:1", 1'800) == up);
}

TEST_CASE("who said farewell is dead at once, and frames of that run change nothing") {
  three_nodes x;
  x.hear("b:1", 1'000);
  x.table.apply(peer_left{"b:1", 1});
  CHECK(x.see("b:1", 1'000).dead);
  x.hear("b:1", 1'100);
  CHECK(x.state("b:1", 1'100) == down);
  CHECK(x.see("b:1", 1'100).last_alive == at(1'000)); // its connections get no longer term
  x.hear("b:1", 1'200, 2);                            // a new run
  CHECK(x.state("b:1", 1'200) == up);
  CHECK_FALSE(x.see("b:1", 1'200).left);
}

TEST_CASE("a farewell of an earlier run is too late") {
  three_nodes x;
  x.hear("b:1", 1'000, 2);
  x.table.apply(peer_left{"b:1", 1});
  CHECK(x.state("b:1", 1'000) == up);
}

TEST_CASE(
  "connections of an ended run are lost 15 s after it ended, those of the new one are not") {
  three_nodes x;
  x.hear("b:1", 1'000, 5);
  x.hear("b:1", 2'000, 8);
  auto lost = [&](std::int64_t incarnation, std::int64_t at_ms) {
    return x.table.view(at(at_ms))->is_lost({"b:1", incarnation});
  };
  CHECK(x.see("b:1", 2'000).ended_recently());
  for (std::int64_t ended : {5, 6, 7})
    CHECK_FALSE(lost(ended, 16'999));
  for (std::int64_t ended : {5, 6, 7})
    CHECK(lost(ended, 17'000));
  CHECK_FALSE(lost(8, 17'000));
  CHECK_FALSE(x.see("b:1", 17'000).ended_recently());
}

TEST_CASE("a run that was refused has ended then, not when the next one is heard") {
  three_nodes x;
  x.hear("b:1", 1'000, 5);
  x.refuse("b:1", 2'000);
  x.hear("b:1", 9'000, 6);
  CHECK(x.see("b:1", 17'000).lost_up_to == 5);
}

TEST_CASE("frames of an earlier run are ignored") {
  three_nodes x;
  x.hear("b:1", 1'000, 5);
  x.hear("b:1", 3'000, 4, saying(true, 9));
  CHECK(x.see("b:1", 3'000).last_heard == at(1'000));
  CHECK_FALSE(x.see("b:1", 3'000).loaded);
}

TEST_CASE("what a heartbeat says is known of its sender, until its next run") {
  three_nodes x;
  x.hear("b:1", 1'000, 1, saying(true, 9, at(900)));
  auto b = x.see("b:1", 1'000);
  CHECK(b.loaded);
  CHECK(b.records == 9);
  CHECK(b.link_open);
  CHECK(b.hears_us(at(3'899)));
  CHECK_FALSE(b.hears_us(at(3'900)));
  x.hear("b:1", 1'500, 1, saying(true, 9, at(500)));
  CHECK(x.see("b:1", 1'500).last_heard_us == at(900)); // a frame that was on its way for long
  x.table.apply(peer_heard{"b:1", 2, at(2'000), true, std::nullopt});
  CHECK_FALSE(x.see("b:1", 2'000).loaded);
}

TEST_CASE("what a third node heard keeps a member up, and tells of its new run") {
  three_nodes x;
  x.hear("b:1", 1'000);
  x.hear("c:1", 5'000, 1, telling_of("b:1", 3, 4'900));
  auto b = x.see("b:1", 5'000);
  CHECK(b.state == up);
  CHECK(b.incarnation == 3);
  CHECK(b.last_heard == at(1'000));                     // here it was not
  x.hear("c:1", 6'000, 1, telling_of("b:1", 2, 6'000)); // of the run before
  x.hear("c:1", 6'000, 1, telling_of("b:1", 3, 4'000)); // was on its way for long
  CHECK(x.see("b:1", 6'000).last_alive == at(4'900));
}

TEST_CASE("nobody tells this node about itself, nor of strangers") {
  three_nodes x;
  x.hear("b:1", 1'000, 1, telling_of("a:1", 99, 1'000));
  x.hear("b:1", 1'000, 1, telling_of("d:1", 99, 1'000));
  CHECK(x.see("a:1", 1'000).incarnation == 7);
  CHECK_FALSE(x.see("a:1", 1'000).ended_recently());
  CHECK(x.table.view(at(1'000))->find("d:1") == nullptr);
  x.table.apply(outbid_incarnation{9});
  CHECK(x.see("a:1", 1'000).incarnation == 10);
  x.table.apply(outbid_incarnation{3});
  CHECK(x.see("a:1", 1'000).incarnation == 10);
}

TEST_CASE("after a standstill of this node the others' silence is forgiven") {
  three_nodes x;
  x.hear("b:1", 1'000);
  x.table.forgive_silence(at(60'000));
  CHECK(x.state("b:1", 60'000) == up);
  CHECK(x.state("b:1", 70'000) == down);
}

TEST_CASE("a new list keeps who stays, adds who is new, drops who is not in it") {
  three_nodes x;
  x.hear("b:1", 1'000, 4);
  CHECK(x.table.list({"a:1", "b:1", "d:1"}, at(2'000)));
  auto view = x.table.view(at(2'000));
  CHECK(view->members().size() == 3);
  CHECK(view->find("b:1")->incarnation == 4);
  CHECK(view->find("c:1") == nullptr);
  CHECK(view->is_lost({"c:1", 1})); // no member any more
  CHECK(x.state("d:1", 11'999) == suspicious);
  CHECK(x.state("d:1", 12'000) == down);
}

TEST_CASE("a list without this node changes nothing") {
  three_nodes x;
  auto before = x.table.view(at(0));
  CHECK_FALSE(x.table.list({"b:1", "c:1"}, at(0)));
  CHECK(x.table.view(at(0)) == before);
}

TEST_CASE("a view is a new one only if something changed") {
  three_nodes x;
  x.hear("b:1", 1'000);
  auto first = x.table.view(at(1'000));
  CHECK(x.table.view(at(2'000)) == first);
  x.hear("b:1", 2'000);
  CHECK(x.table.view(at(2'000)) != first);
  auto second = x.table.view(at(2'000));
  x.table.own.leaving = true;
  CHECK(x.table.view(at(2'000))->own().leaving);
  CHECK(x.table.view(at(2'000)) != second);
}

TEST_CASE("the ring's number rises when it changes, and only then") {
  three_nodes x;
  x.hear("b:1", 1'000);
  x.hear("c:1", 1'000);
  auto number = [&](std::int64_t at_ms) { return x.table.view(at(at_ms))->ring_number(); };
  auto first = number(1'000);
  CHECK(number(4'000) == first); // suspicious members are still responsible
  x.hear("b:1", 10'000);
  CHECK(number(11'000) == first + 1); // c is down
  CHECK(number(12'000) == first + 1);
  x.hear("c:1", 12'000);
  CHECK(number(12'000) == first + 2);
}

TEST_CASE("quorum contact is more than half of those that may live") {
  three_nodes x;
  auto contact = [&](std::int64_t at_ms) { return x.table.view(at(at_ms))->has_quorum_contact(); };
  CHECK_FALSE(contact(0)); // itself of three
  x.hear("b:1", 1'000);
  CHECK(contact(1'000));
  CHECK_FALSE(contact(5'000)); // nobody is heard
  x.refuse("b:1", 5'000);
  CHECK_FALSE(contact(5'600)); // b is dead: one of two is no majority
  x.refuse("c:1", 6'000);
  CHECK(contact(6'600)); // all others are dead
}

TEST_CASE("a member that was only silent and is heard again has reunited with this node") {
  three_nodes x;
  auto reunited = [&](std::int64_t at_ms) { return x.table.view(at(at_ms))->reunited(); };
  x.hear("b:1", 1'000);
  CHECK(reunited(1'000) == never); // it was never heard before
  CHECK(reunited(5'000) == never);
  x.hear("b:1", 6'000);
  CHECK(reunited(6'000) == at(6'000));
  CHECK(reunited(7'000) == at(6'000));
  x.table.apply(peer_left{"b:1", 1});
  CHECK(reunited(7'000) == at(6'000));
  x.hear("b:1", 8'000, 2); // it was dead, and no client beat there
  CHECK(reunited(8'000) == at(6'000));
}

TEST_CASE("owners of connections live, are dying, or are lost") {
  three_nodes x;
  x.hear("b:1", 1'000, 5);
  auto view = x.table.view(at(1'000));
  CHECK(view->is_alive({"b:1", 5}));
  CHECK(view->is_alive({"b:1", 6})); // a later run than this node knows of
  CHECK_FALSE(view->is_alive({"b:1", 4}));
  CHECK_FALSE(view->is_alive({"d:1", 1}));
  CHECK(view->some_owner_died()); // the runs before the first that was heard
  x.hear("b:1", 20'000, 5);
  CHECK_FALSE(x.table.view(at(20'000))->some_owner_died());
  x.table.apply(peer_left{"b:1", 5});
  view = x.table.view(at(20'000));
  CHECK_FALSE(view->is_alive({"b:1", 5}));
  CHECK_FALSE(view->is_lost({"b:1", 5}));
  CHECK(view->some_owner_died());
  view = x.table.view(at(35'000));
  CHECK(view->is_lost({"b:1", 5}));
  CHECK_FALSE(view->some_owner_died()); // nobody is on his way any more
}

TEST_CASE("connections of this node's own earlier runs are lost 15 s after its start") {
  three_nodes x;
  CHECK_FALSE(x.table.view(at(14'999))->is_lost({"a:1", 6}));
  CHECK(x.table.view(at(15'000))->is_lost({"a:1", 6}));
  CHECK_FALSE(x.table.view(at(15'000))->is_lost({"a:1", 7}));
}

TEST_CASE("a table that takes the place of a failed one goes on with what it knew") {
  three_nodes x;
  x.hear("b:1", 1'000, 5, saying(true, 3));
  x.refuse("c:1", 1'000);
  x.table.own.loaded = true;
  auto last = x.table.view(at(2'000));
  three_nodes next(last);
  auto view = next.table.view(at(2'000));
  CHECK(view->members() == last->members());
  CHECK(view->own() == last->own());
  CHECK(view->ring_number() == last->ring_number());
  CHECK(next.state("b:1", 4'000) == suspicious);
}

TEST_CASE("a death that a peer found out counts for who can't reach the dead one itself") {
  three_nodes x;
  x.hear("c:1", 1'000);
  x.hear("b:1", 5'000, 1, telling_death_of("c:1", 1));
  CHECK(x.state("c:1", 5'000) == down);
  CHECK(x.see("c:1", 5'000).dead);
  CHECK(x.see("c:1", 16'000).lost); // as if this node had been refused itself
}

TEST_CASE("who was heard here lately is not dead, whatever a peer met") {
  three_nodes x;
  x.hear("c:1", 1'000);
  x.hear("b:1", 2'000, 1, telling_death_of("c:1", 1));
  CHECK(x.state("c:1", 2'000) == up);
  CHECK(x.state("c:1", 3'999) == up);
  CHECK(x.see("c:1", 4'000).dead); // not heard since
  x.hear("c:1", 4'100);
  CHECK(x.state("c:1", 9'000) == suspicious); // the word of before is no more
}

TEST_CASE("a sign of life that others heard after a death was told makes it a mistake") {
  three_nodes x;
  x.hear("b:1", 5'000, 1, telling_of("c:1", 1, 4'900));
  x.hear("b:1", 6'000, 1, telling_death_of("c:1", 1));
  CHECK(x.see("c:1", 6'000).dead);
  x.hear("b:1", 7'000, 1, telling_of("c:1", 1, 6'900));
  CHECK(x.state("c:1", 7'000) == up);
  x.hear("b:1", 8'000, 1, telling_death_of("c:1", 1)); // and a later word counts again
  CHECK(x.see("c:1", 8'000).dead);
}

TEST_CASE("the death of an incarnation says nothing of the next one") {
  three_nodes x;
  x.hear("b:1", 5'000, 1, telling_death_of("c:1", 1));
  CHECK(x.see("c:1", 5'000).dead);
  x.hear("b:1", 6'000, 1, telling_of("c:1", 2, 6'000));
  CHECK(x.state("c:1", 6'000) == up);
  x.hear("b:1", 7'000, 1, telling_death_of("c:1", 1)); // late news
  CHECK(x.state("c:1", 7'000) == up);
}
