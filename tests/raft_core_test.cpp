// One rule of Raft at a time, on a group whose messages and disks the test holds in its hand. All
// of them at once are in raft_simulation_test.cpp.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "actors/store/raft_core.hpp"
#include "tests/kit/times.hpp"

using namespace nacre;
using namespace nacre::raft;
using namespace nacre::test;
using namespace std::chrono_literals;

namespace {

/// Members 1..n that reach each other, unless they are cut off, and whose disks are quick, unless
/// they are held.
struct group {
  explicit group(member_id count) {
    membership all;
    for (member_id x = 1; x <= count; ++x)
      all.voters.push_back(x);
    for (auto x : all.voters)
      add(x, all);
  }

  core& add(member_id self, membership members) {
    settings how;
    how.self = self;
    how.seed = self;
    how.chunk_bytes = 10;
    auto [i, is_new] = members_.try_emplace(
      self, std::make_unique<core>(how, stored_member{{}, {}, std::move(members), {}, 0}, now));
    return *i->second;
  }

  core& operator[](member_id x) { return *members_.at(x); }

  /// Until nobody has anything to say.
  void settle() {
    for (bool any = true; any;) {
      any = false;
      for (auto& [id, x] : members_) {
        if (held.count(id) == 0)
          while (auto round = x->take_round()) {
            any = true;
            x->on_persisted(round->number);
          }
        for (auto& e : x->take_committed())
          applied[id].push_back(e);
        for (auto& m : x->take_messages()) {
          any = true;
          if (cut.count(m.from) + cut.count(m.to) == 0 && members_.count(m.to) != 0)
            members_.at(m.to)->step(std::move(m));
        }
      }
    }
  }

  void pass(milliseconds span) {
    for (auto end = now + span; now < end;) {
      now += 10ms;
      for (auto& x : members_)
        x.second->tick(now);
      settle();
    }
  }

  /// That member leads, as it alone asks for votes.
  void elect(member_id x) {
    members_.at(x)->step({nobody, x, members_.at(x)->term(), transfer_order{}});
    settle();
    REQUIRE(members_.at(x)->leads());
  }

  std::set<member_id> leaders() const {
    std::set<member_id> found;
    for (auto& x : members_)
      if (x.second->leads())
        found.insert(x.first);
    return found;
  }

  std::string commands(member_id x) {
    std::string all;
    for (auto& e : applied[x])
      all += e.data;
    return all;
  }

  steady_time now = at(0);
  /// Whom nobody reaches, and whose disk does not come back.
  std::set<member_id> cut, held;
  std::map<member_id, std::vector<entry>> applied;

private:
  std::map<member_id, std::unique_ptr<core>> members_;
};

/// Member 1 of three, just elected in term 5, behind two entries of term 1 that may be committed.
core new_leader() {
  settings how;
  how.self = 1;
  stored_member stored{{4, nobody}, {}, {{1, 2, 3}, {}}, {}};
  for (std::uint64_t i = 1; i <= 2; ++i)
    stored.entries.push_back({{1, i}, entry_kind::command, "x", {}});
  core x(how, std::move(stored), at(0));
  x.step({2, 1, 4, transfer_order{}});
  x.on_persisted(x.take_round()->number);
  x.step({2, 1, 5, vote_answer{false, true}});
  REQUIRE(x.leads());
  x.on_persisted(x.take_round()->number);
  return x;
}

} // namespace

TEST_CASE("raft: a lone member leads at once, and commits what its disk has") {
  group g(1);
  g.pass(10ms);
  CHECK(g[1].leads());
  g.held = {1};
  CHECK(g[1].propose("a"));
  g.settle();
  CHECK(g.commands(1) == "");
  g.held = {};
  g.settle();
  CHECK(g.commands(1) == "a");
}

TEST_CASE("raft: three members agree on a leader, and on what it takes") {
  group g(3);
  g.pass(700ms);
  REQUIRE(g.leaders().size() == 1);
  auto& first = g[*g.leaders().begin()];
  CHECK(first.propose("a"));
  CHECK(first.propose("b"));
  g.settle();
  for (member_id x = 1; x <= 3; ++x) {
    CHECK(g.commands(x) == "ab");
    CHECK(g[x].leader() == first.self());
  }
}

TEST_CASE("raft: a follower takes no proposal") {
  group g(3);
  g.elect(1);
  CHECK_FALSE(g[2].propose("a"));
  CHECK_FALSE(g[2].read(1));
  CHECK_FALSE(g[2].transfer(1));
  CHECK_FALSE(g[2].change_members({{1, 2}, {}}));
}

TEST_CASE("raft: a vote, and what follows an entry, is told when it is on the disk (§3.8)") {
  group g(3);
  g.held = {2};
  g[1].step({nobody, 1, 0, transfer_order{}});
  g.cut = {3};
  g.settle();
  CHECK_FALSE(g[1].leads());
  g.held = {};
  g.settle();
  CHECK(g[1].leads());
  g.held = {2};
  g[1].propose("a");
  g.settle();
  CHECK(g.commands(1) == "");
  g.held = {};
  g.settle();
  CHECK(g.commands(1) == "a");
}

TEST_CASE("raft: the leader counts itself for what is on its own disk only (§10.2.1)") {
  group g(3);
  g.elect(1);
  g.held = {1};
  g.cut = {3};
  g[1].propose("a");
  g.settle();
  CHECK(g[1].members().at(2).matched == 2);
  CHECK(g[1].commit() == 1);
  g.held = {};
  g.settle();
  CHECK(g[1].commit() == 2);
}

TEST_CASE("raft: an entry of an earlier term is committed by one of the own term only (§3.6.2)") {
  auto x = new_leader();
  CHECK(x.entries().last() == position{5, 3});
  x.step({2, 1, 5, append_answer{true, 0, 2, 1}});
  CHECK(x.commit() == 0);
  x.step({2, 1, 5, append_answer{true, 2, 3, 1}});
  CHECK(x.commit() == 3);
}

TEST_CASE("raft: who hears a leader votes for nobody else (§4.2.3)") {
  group g(3);
  g.elect(1);
  auto term = g[1].term();
  g[2].step({3, 2, term + 5, vote_request{false, false, {term, 99}}});
  g.settle();
  CHECK(g[2].term() == term);
  CHECK(g.leaders() == std::set<member_id>{1});
}

TEST_CASE("raft: who was cut off comes back without an election (§9.6)") {
  group g(3);
  g.elect(1);
  auto term = g[1].term();
  g.cut = {3};
  g.pass(5'000ms);
  CHECK(g[3].term() == term);
  g.cut = {};
  g.pass(1'000ms);
  CHECK(g.leaders() == std::set<member_id>{1});
  CHECK(g[1].term() == term);
}

TEST_CASE("raft: a leader that hears no majority stops leading (§6.2)") {
  group g(3);
  g.elect(1);
  g.cut = {1};
  g.pass(1'300ms);
  CHECK_FALSE(g[1].leads());
  CHECK(g.leaders().size() == 1);
}

TEST_CASE("raft: a vote goes to who is as up to date only (§3.6.1)") {
  group g(3);
  g.elect(1);
  g.cut = {3};
  g[1].propose("a");
  g.settle();
  g.cut = {1};
  g.pass(3'000ms);
  CHECK(g.leaders() == std::set<member_id>{2});
  CHECK(g.commands(3) == "a");
}

TEST_CASE("raft: what a cut-off leader took is overwritten") {
  group g(3);
  g.elect(1);
  g.cut = {1};
  g[1].propose("lost");
  g.settle();
  g.pass(2'000ms);
  auto second = *g.leaders().begin();
  g[second].propose("kept");
  g.settle();
  g.cut = {};
  g.pass(1'000ms);
  for (member_id x = 1; x <= 3; ++x)
    CHECK(g.commands(x) == "kept");
}

TEST_CASE("raft: the group changes by one voter at a time (§4.1)") {
  group g(3);
  g.elect(1);
  CHECK_FALSE(g[1].change_members({{1}, {}}));
  CHECK_FALSE(g[1].change_members({{1, 2, 3}, {}}));
  CHECK_FALSE(g[1].change_members({{}, {}}));
  CHECK(g[1].change_members({{1, 2}, {3}}));
  CHECK_FALSE(g[1].change_members({{1, 2, 3}, {}})); // before the first is committed
  g.settle();
  CHECK(g[1].change_members({{1, 2, 3}, {}}));
}

TEST_CASE("raft: the group does not change before an entry of the own term is committed (§4.1)") {
  auto x = new_leader();
  CHECK_FALSE(x.change_members({{1, 2}, {}}));
  x.step({2, 1, 5, append_answer{true, 2, 3, 1}});
  CHECK(x.change_members({{1, 2}, {}}));
}

TEST_CASE("raft: a learner gets the log and does not count (§4.2.1)") {
  group g(3);
  g.elect(1);
  g.add(4, {});
  g.cut = {2, 3};
  REQUIRE(g[1].change_members({{1, 2, 3}, {4}}));
  g.settle();
  CHECK(g[1].changes_members());
  g.cut = {};
  g.pass(200ms);
  CHECK_FALSE(g[1].changes_members());
  g[1].propose("a");
  g.settle();
  CHECK(g.commands(4) == "a");
  g.cut = {1};
  g.pass(5'000ms);
  CHECK(g.leaders().count(4) == 0);
}

TEST_CASE("raft: a leader that is taken off hands over when that is committed (§4.2.2)") {
  group g(3);
  g.elect(1);
  REQUIRE(g[1].change_members({{2, 3}, {}}));
  g.settle();
  CHECK_FALSE(g[1].leads());
  CHECK(g.leaders().size() == 1);
  g.pass(2'000ms);
  CHECK_FALSE(g[1].leads());
  CHECK(g.leaders().size() == 1);
}

TEST_CASE("raft: a leader that took itself off, which nobody else knows yet, may lead again "
          "(simulation, seed 4175)") {
  group g(2);
  g.elect(1);
  g.cut = {1};
  REQUIRE(g[1].change_members({{2}, {1}}));
  g.settle();
  g.pass(1'300ms);
  CHECK(g.leaders().empty());
  g.cut = {};
  g.pass(5'000ms);
  CHECK(g.leaders() == std::set<member_id>{2});
  CHECK(g[1].entries().members() == membership{{2}, {1}});
}

TEST_CASE("raft: leadership is handed over without waiting for an election (§3.10)") {
  group g(3);
  g.elect(1);
  g.cut = {3};
  g[1].propose("a");
  g.settle();
  g.cut = {};
  CHECK(g[1].transfer(3));
  CHECK_FALSE(g[1].propose("b"));
  g.pass(200ms);
  CHECK(g.leaders() == std::set<member_id>{3});
  CHECK(g.commands(3) == "a");

  g.cut = {2};
  CHECK(g[3].transfer(2));
  g.pass(500ms);
  CHECK_FALSE(g[3].propose("b"));
  g.pass(200ms);
  CHECK(g[3].propose("b")); // it was given up
}

TEST_CASE("raft: a read waits until a majority says that the leader still is one (§6.4)") {
  group g(3);
  g.elect(1);
  g.cut = {2, 3};
  CHECK(g[1].read(7));
  g.settle();
  CHECK(g[1].take_reads().empty());
  g.cut = {3};
  g.pass(150ms);
  auto ready = g[1].take_reads();
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].id == 7);
  CHECK(ready[0].index == g[1].commit());
}

TEST_CASE("raft: who lacks what is not in the log any more gets the state in chunks (§5)") {
  group g(3);
  g.elect(1);
  g.cut = {3};
  for (int i = 0; i < 20; ++i)
    g[1].propose("x");
  g.settle();
  g[1].compact(g[1].applied());
  g.cut = {};
  g.pass(150ms);
  REQUIRE(g[1].wants_state());
  auto state = std::make_shared<const std::string>("the state of 25 or so bytes");
  g[1].offer_state(g[1].applied(), state);
  while (g[3].commit() < 21) {
    if (auto round = g[3].take_round()) {
      if (round->state) {
        CHECK(*round->state->bytes == *state);
        g[3].compact(5); // its own state, which was on its way to the disk, came too late
      }
      g[3].on_persisted(round->number);
    }
    g.settle();
  }
  CHECK(g[3].entries().base() == position{g[1].term(), 21});
  CHECK_FALSE(g[1].wants_state());
  g[1].propose("y");
  g.settle();
  CHECK(g.commands(3) == "y");
}
