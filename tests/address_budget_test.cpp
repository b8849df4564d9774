#include "actors/tables/address_budget.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace nacre;

TEST_CASE("answers under way are bounded in all and for each address, and give their room back") {
  address_budget budget({100, 60, 30});
  auto a = budget.take("a", 50);
  CHECK(a);
  CHECK_FALSE(budget.take("a", 20)); // 70 of one address
  auto b = budget.take("b", 40);
  CHECK(b);
  CHECK_FALSE(budget.take("c", 20)); // 110 in all
  CHECK(budget.now().used == 90);
  CHECK(budget.now().peak == 90);
  CHECK(budget.now().refused == 2);
  CHECK(budget.now().largest_user == "a");
  a = {};
  CHECK(budget.now().used == 40);
  CHECK(budget.take("c", 20));
  CHECK(budget.now().used == 40); // a share that nobody keeps is given back
}

TEST_CASE("answers under way are bounded for each connection of an address") {
  address_budget budget({100, 60, 30});
  auto first = budget.take("a", 20, "1001");
  CHECK(first);
  CHECK_FALSE(budget.take("a", 20, "1001"));
  auto second = budget.take("a", 20, "1002");
  CHECK(second);
  first = {};
  CHECK(budget.take("a", 20, "1001"));
}

TEST_CASE("who has nothing under way gets one answer, however long it is") {
  address_budget budget({100, 60, 30});
  auto long_one = budget.take("a", 1'000);
  CHECK(long_one);
  CHECK_FALSE(budget.take("a", 1));
  CHECK_FALSE(budget.take("b", 1));
}

TEST_CASE("a share grows until it meets a bound, and gives back all that it has") {
  address_budget budget({100, 60, 60});
  auto a = budget.take("a", 20);
  CHECK(budget.extend(a, 30));
  CHECK(a.size() == 50);
  CHECK(budget.now().used == 50);
  auto b = budget.take("b", 40);
  CHECK(b);
  CHECK_FALSE(budget.extend(a, 20)); // 110 in all
  CHECK(a.size() == 50);
  b = budget.take("a", 5); // in its place
  CHECK(budget.now().used == 55);
  CHECK_FALSE(budget.extend(a, 20)); // 75 of one address
  CHECK(budget.extend(a, 5));
  CHECK(budget.now().refused == 2);
  b = {};
  CHECK(budget.extend(a, 1'000)); // there is no other
  a = {};
  CHECK(budget.now().used == 0);
  CHECK(budget.now().peak == 1'055);
}

TEST_CASE("a share that moves is given back once") {
  address_budget budget({100, 100, 100});
  std::vector<address_budget::share> shares;
  for (int i = 0; i < 10; ++i)
    shares.push_back(budget.take("a", 10));
  CHECK(budget.now().used == 100);
  shares.erase(shares.begin());
  auto other = std::move(shares.front());
  shares.clear();
  CHECK(budget.now().used == 10);
  CHECK(other);
}
