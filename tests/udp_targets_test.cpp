#include "actors/tables/udp_targets.hpp"

#include <doctest/doctest.h>

#include "tests/kit/times.hpp"

using namespace nacre;
using namespace nacre::test;

TEST_CASE("an address that nobody has heard from gets few datagrams, and small ones") {
  push_options terms;
  udp_targets targets(terms);
  CHECK_FALSE(targets.admit("a", 1'201, at(0)));
  CHECK(targets.admit("a", 1'200, at(0)));
  CHECK_FALSE(targets.admit("a", 100, at(9'999)));
  CHECK(targets.admit("a", 100, at(10'000)));
  CHECK(targets.admit("a", 100, at(20'000)));
  CHECK_FALSE(targets.admit("a", 100, at(60'000))); // three in all
  CHECK(targets.admit("b", 100, at(60'000)));       // each address for itself
  targets.prove("a", at(60'001));
  for (int i = 0; i < 100; ++i)
    CHECK(targets.admit("a", 60'000, at(60'001)));
}

TEST_CASE("a proof counts for an hour after it was given last") {
  push_options terms;
  udp_targets targets(terms);
  targets.prove("a", at(0));
  CHECK(targets.admit("a", 60'000, at(3'599'999)));
  targets.prove("a", at(3'000'000));
  CHECK(targets.admit("a", 60'000, at(6'599'999)));
  CHECK_FALSE(targets.admit("a", 60'000, at(6'600'000)));
  CHECK(targets.admit("a", 100, at(6'600'000)));
}

TEST_CASE("addresses that queries make up do not add up") {
  push_options terms;
  udp_targets targets(terms);
  targets.prove("friend", at(1));
  for (int i = 0; i < 150'000; ++i)
    targets.admit("x" + std::to_string(i), 100, at(i / 100));
  CHECK(targets.size() <= 100'001);
  targets.admit("y", 100, at(10'000'000));
  CHECK(targets.size() == 1); // all others are long forgotten
}
