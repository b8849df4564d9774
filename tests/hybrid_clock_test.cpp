#include <doctest/doctest.h>

#include <set>
#include <thread>
#include <vector>

#include "actors/base/hybrid_clock.hpp"
#include "tests/kit/times.hpp"

using namespace nacre;
using namespace nacre::test;

TEST_CASE("stamps rise, also when the clock given stands still or steps back") {
  hybrid_clock clock(wall_at(1'000'000), at(0));
  std::int64_t last = 0;
  for (std::int64_t ms : {10, 10, 10, 11, 5, 0, 5, 12}) {
    auto stamp = clock.next(at(ms));
    CHECK(stamp > last);
    last = stamp;
  }
}

TEST_CASE("a stamp tells the wall clock's time of the start plus what has passed") {
  hybrid_clock clock(wall_at(1'000'000), at(500));
  CHECK(hybrid_clock::time_of(clock.now(at(500))) == wall_at(1'000'000));
  CHECK(hybrid_clock::time_of(clock.next(at(700))) == wall_at(1'000'200));
}

TEST_CASE("a stamp is above the one that it has to follow") {
  hybrid_clock clock(wall_at(1'000), at(0));
  auto of_another = hybrid_clock(wall_at(9'000), at(0)).next(at(0));
  auto stamp = clock.next(at(0), of_another);
  CHECK(stamp > of_another);
  CHECK(clock.next(at(0)) > stamp); // and so are all that come after
}

TEST_CASE("no two nodes make the same stamp") {
  std::set<std::int64_t> stamps;
  for (std::size_t number : {0, 1, 2, 1'023}) {
    hybrid_clock clock(wall_at(1'000), at(0));
    clock.set_number(number);
    for (int i = 0; i < 1'000; ++i)
      CHECK(stamps.insert(clock.next(at(i / 100))).second);
  }
}

TEST_CASE("the common time is that of the fastest clock that was heard") {
  hybrid_clock slow(wall_at(1'000), at(0));
  hybrid_clock fast(wall_at(5'000), at(0));
  auto heard = fast.next(at(10));
  slow.observe(heard, at(20));
  CHECK(hybrid_clock::time_of(slow.now(at(20))) == wall_at(5'010));
  CHECK(hybrid_clock::time_of(slow.now(at(120))) == wall_at(5'110)); // and it runs on from there
  CHECK(slow.next(at(20)) > heard);
}

TEST_CASE("a stamp of the past changes nothing") {
  hybrid_clock clock(wall_at(5'000), at(0));
  auto before = clock.now(at(10));
  clock.observe(hybrid_clock(wall_at(1'000), at(0)).next(at(0)), at(10));
  CHECK(clock.now(at(10)) == before);
}

TEST_CASE("threads that ask at the same time get different stamps, each of them rising") {
  hybrid_clock clock(wall_at(1'000), at(0));
  std::vector<std::vector<std::int64_t>> of_thread(4);
  std::vector<std::thread> threads;
  for (auto& stamps : of_thread)
    threads.emplace_back([&clock, &stamps] {
      for (int i = 0; i < 5'000; ++i)
        stamps.push_back(clock.next(at(0)));
    });
  for (auto& thread : threads)
    thread.join();
  std::set<std::int64_t> all;
  for (auto& stamps : of_thread) {
    CHECK(std::is_sorted(stamps.begin(), stamps.end()));
    all.insert(stamps.begin(), stamps.end());
  }
  CHECK(all.size() == 20'000);
}
