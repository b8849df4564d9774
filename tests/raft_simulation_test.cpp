// Whole Raft groups in virtual time under all faults, by seeds: see kit/raft_world.hpp.
#include <doctest/doctest.h>

#include "tests/kit/deterministic.hpp"
#include "tests/kit/raft_world.hpp"

using namespace nacre::test;

TEST_CASE("simulation: a Raft group loses nothing, and agrees when faults end") {
  under_seeds([](std::uint64_t seed) { CHECK(run_raft_world(seed) == ""); });
}
