// Breaks one rule of Raft at a time and wants the simulation to notice. A seed that notices it is
// part of the test; if the world changes, `raft_mutations search` finds others.
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string>

#include "actors/store/raft_rules.hpp"
#include "tests/kit/raft_world.hpp"

using namespace nacre;

namespace {

constexpr std::uint64_t seeds_max = 5'000;

struct mutation {
  raft::rule broken;
  const char* name;
  /// The first seed that caught it.
  std::uint64_t seed;
};

constexpr mutation mutations[] = {
  {raft::rule::answer_after_entries_persist, "entries are acknowledged before they are on the disk",
   178},
  {raft::rule::answer_after_vote_persists, "a vote is told before it is on the disk", 787},
  {raft::rule::commit_own_term_only, "entries of earlier terms are committed by counting", 3333},
  {raft::rule::remember_vote, "a restart forgets the vote", 59},
  {raft::rule::count_persisted_only, "the leader counts what is not on its own disk", 8},
  {raft::rule::change_after_own_term,
   "the group changes before an entry of the own term is committed", 2656},
  {raft::rule::one_change_at_a_time, "the group changes twice at a time", 43},
  {raft::rule::vote_for_up_to_date, "a vote goes to who lacks entries", 2},
  {raft::rule::keep_matching_entries, "a late request takes back what follows it", 12},
  {raft::rule::check_previous, "entries are taken behind any other", 5},
  {raft::rule::commit_matched_only, "a follower commits what it did not match", 6},
  {raft::rule::undo_lost_change, "a group outlives its overwritten entry", 14},
  {raft::rule::refuse_older_state, "an older state is restored", 87},
  {raft::rule::read_after_own_term, "a new leader reads before it knows what is committed", 3},
  {raft::rule::read_after_round, "a leader reads without asking whether it still is one", 191},
  {raft::rule::vote_once, "two votes in a term", 3},
  {raft::rule::count_voters_only, "learners count", 27},
  {raft::rule::state_brings_members, "a state comes without its group", 5},
  {raft::rule::remember_term, "a restart forgets the term", 2},
  {raft::rule::follow_later_term, "a leader goes on in a later term", 113},
  {raft::rule::apply_once, "a request that is sent twice takes effect twice", 2},
};

} // namespace

int main(int argc, char** argv) {
  bool searches = argc > 1 && std::strcmp(argv[1], "search") == 0;
  int missed = std::size(mutations) == raft::rules_count ? 0 : 1;
  for (auto& x : mutations) {
    raft::broken_rule = x.broken;
    std::string caught;
    auto first = searches ? 1 : x.seed;
    auto last = searches ? seeds_max : x.seed;
    auto seed = first;
    for (; seed <= last && caught.empty(); ++seed)
      caught = test::run_raft_world(seed);
    std::printf("%2d %s: %s, seed %llu\n", static_cast<int>(x.broken), x.name,
                caught.empty() ? "NOT CAUGHT" : caught.c_str(),
                static_cast<unsigned long long>(seed - 1));
    std::fflush(stdout);
    missed += caught.empty() ? 1 : 0;
  }
  // The same seeds, with every rule in its place.
  raft::broken_rule = raft::rule::none;
  for (auto& x : mutations)
    if (auto wrong = test::run_raft_world(x.seed); !wrong.empty()) {
      std::printf("with no rule broken: %s\n", wrong.c_str());
      ++missed;
    }
  return missed;
}
