#include "actors/base/delay_tasks.hpp"
#include "tests/kit/times.hpp"

#include "actors/base/restart_delay.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace nacre;
using namespace nacre::test;

namespace {

/// Remembers every change that was merged into it.
struct task {
  std::vector<int> changes;

  void merge(task&& newer) {
    changes.insert(changes.end(), newer.changes.begin(), newer.changes.end());
  }
};

/// With plain milliseconds.
struct tasks : delay_tasks<std::string, task> {
  tasks(std::int64_t window_ms, std::size_t tasks_max)
    : delay_tasks(milliseconds(window_ms), tasks_max) {}

  bool submit(const std::string& key, task x, std::int64_t now_ms) {
    return delay_tasks::submit(key, std::move(x), at(now_ms));
  }
  bool submit_later(const std::string& key, task x, std::int64_t now_ms, std::int64_t delay_ms) {
    return delay_tasks::submit_later(key, std::move(x), at(now_ms), milliseconds(delay_ms));
  }
  auto take_due(std::int64_t now_ms, std::size_t max = 1'000'000) {
    return delay_tasks::take_due(at(now_ms), max);
  }
  std::optional<std::int64_t> next_due_ms() const {
    auto due = delay_tasks::next_due();
    return due ? std::optional(to_ms(*due)) : std::nullopt;
  }
};

/// `key:change,change;…` of what fired, in order of the keys.
std::string fired(tasks& engine, std::int64_t now_ms) {
  auto due = engine.take_due(now_ms);
  std::sort(due.begin(), due.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::string text;
  for (auto& [key, one] : due) {
    text += (text.empty() ? "" : ";") + key + ":";
    for (std::size_t i = 0; i < one.changes.size(); ++i)
      text += (i ? "," : "") + std::to_string(one.changes[i]);
  }
  return text;
}

} // namespace

TEST_CASE("the first task of a quiet key fires at once") {
  tasks engine(500, 10);
  CHECK_FALSE(engine.next_due_ms());
  CHECK(engine.submit("a", {{1}}, 1000));
  CHECK(engine.next_due_ms() == 1000);
  CHECK(engine.pending() == 1);
  CHECK(fired(engine, 999) == "");
  CHECK(fired(engine, 1000) == "a:1");
  CHECK(engine.pending() == 0);
}

TEST_CASE("more tasks within the window fire together at its end") {
  tasks engine(500, 10);
  engine.submit("a", {{1}}, 1000);
  CHECK(fired(engine, 1000) == "a:1");
  engine.submit("a", {{2}}, 1001);
  engine.submit("a", {{3}}, 1499);
  CHECK(engine.pending() == 1);
  CHECK(engine.next_due_ms() == 1500);
  CHECK(fired(engine, 1499) == "");
  CHECK(fired(engine, 1500) == "a:2,3");
  // The next window has begun with that.
  engine.submit("a", {{4}}, 1500);
  CHECK(fired(engine, 1999) == "");
  CHECK(fired(engine, 2000) == "a:4");
}

TEST_CASE("a storm of tasks can't postpone the pending one (PushDelayTask.merge)") {
  tasks engine(500, 10);
  engine.submit("a", {{0}}, 0);
  fired(engine, 0);
  std::size_t merged = 0;
  for (int now = 1; now < 500; ++now) {
    engine.submit("a", {{now}}, now);
    CHECK(fired(engine, now) == "");
    ++merged;
  }
  auto due = engine.take_due(500);
  REQUIRE(due.size() == 1);
  CHECK(due[0].second.changes.size() == merged);
}

TEST_CASE("keys have windows of their own") {
  tasks engine(500, 10);
  engine.submit("a", {{1}}, 0);
  engine.submit("b", {{2}}, 0);
  CHECK(fired(engine, 0) == "a:1;b:2");
  engine.submit("a", {{3}}, 100);
  CHECK(fired(engine, 100) == "");
  engine.submit("c", {{4}}, 100);
  CHECK(fired(engine, 100) == "c:4");
  CHECK(fired(engine, 500) == "a:3");
}

TEST_CASE("a key is quiet again after an empty window, and then forgotten") {
  tasks engine(500, 10);
  engine.submit("a", {{1}}, 0);
  fired(engine, 0);
  CHECK(engine.next_due_ms() == 500); // to forget it
  CHECK(fired(engine, 500) == "");
  CHECK_FALSE(engine.next_due_ms());
  engine.submit("a", {{2}}, 501);
  CHECK(fired(engine, 501) == "a:2");
}

TEST_CASE("the window counts from when the task fired, not from when it was due") {
  tasks engine(500, 10);
  engine.submit("a", {{1}}, 0);
  CHECK(fired(engine, 300) == "a:1"); // somebody was slow
  engine.submit("a", {{2}}, 600);
  CHECK(fired(engine, 799) == "");
  CHECK(fired(engine, 800) == "a:2");
}

TEST_CASE("a retry comes after its own delay, and a new change takes it along") {
  tasks engine(500, 10);
  engine.submit_later("a", {{1}}, 0, 1000);
  CHECK(fired(engine, 999) == "");
  CHECK(fired(engine, 1000) == "a:1");
  // A retry within the window does not wait for the window's end.
  engine.submit_later("a", {{2}}, 1000, 100);
  CHECK(fired(engine, 1100) == "a:2");
  // A change of a quiet key does not wait for the retry.
  engine.submit_later("b", {{1}}, 2000, 10'000);
  engine.submit("b", {{2}}, 2001);
  CHECK(fired(engine, 2001) == "b:1,2");
  CHECK(fired(engine, 12'000) == "");
  // A later retry does not hold up what is pending.
  engine.submit("c", {{1}}, 13'000);
  engine.submit_later("c", {{2}}, 13'000, 10'000);
  CHECK(fired(engine, 13'000) == "c:1,2");
  // An earlier one brings it forward.
  engine.submit_later("d", {{1}}, 14'000, 10'000);
  engine.submit_later("d", {{2}}, 14'000, 50);
  CHECK(engine.next_due_ms() <= 14'050);
  CHECK(fired(engine, 14'049) == "");
  CHECK(fired(engine, 14'050) == "d:1,2");
  CHECK(engine.pending() == 0);
}

TEST_CASE("at the bound a new key is refused, a pending one still merges") {
  tasks engine(500, 2);
  CHECK(engine.submit("a", {{1}}, 0));
  CHECK(engine.submit_later("b", {{2}}, 0, 100));
  CHECK_FALSE(engine.submit("c", {{3}}, 0));
  CHECK_FALSE(engine.submit_later("c", {{3}}, 0, 0));
  CHECK(engine.submit("a", {{4}}, 0));
  CHECK(engine.pending() == 2);
  CHECK(fired(engine, 0) == "a:1,4");
  CHECK(engine.submit("c", {{5}}, 0));
  CHECK_FALSE(engine.submit("d", {{6}}, 0));
  CHECK_FALSE(engine.submit("a", {{7}}, 0)); // its window is open, but nothing is pending
  CHECK(fired(engine, 100) == "b:2;c:5");
  tasks none(500, 0);
  CHECK_FALSE(none.submit("a", {{1}}, 0));
  CHECK_FALSE(none.next_due_ms());
}

TEST_CASE("without a window everything fires at once and nothing is kept") {
  tasks engine(0, 10);
  for (int now = 0; now < 10; ++now) {
    engine.submit("a", {{now}}, now);
    engine.submit("a", {{100 + now}}, now);
    CHECK(fired(engine, now) == "a:" + std::to_string(now) + "," + std::to_string(100 + now));
    CHECK_FALSE(engine.next_due_ms());
  }
}

TEST_CASE("tasks are never lost, early or split, as a plain list of them tells") {
  struct entry {
    bool pending = false;
    std::int64_t due = 0;
    std::int64_t quiet_from = 0;
    std::vector<int> changes;
  };
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    std::minstd_rand rng(seed);
    CAPTURE(seed);
    auto window = static_cast<std::int64_t>(rng() % 4 ? rng() % 600 : 0);
    auto bound = 1 + rng() % 12;
    tasks engine(window, bound);
    std::map<std::string, entry> model;
    std::set<int> accepted, seen;
    std::int64_t now = 0;
    std::size_t pending = 0;
    auto take = [&] {
      for (auto& [key, one] : engine.take_due(now)) {
        auto& x = model[key];
        REQUIRE(x.pending);
        REQUIRE(x.due <= now);
        REQUIRE(one.changes == x.changes);
        for (auto change : one.changes)
          REQUIRE(seen.insert(change).second);
        x = {false, 0, now + window, {}};
        --pending;
      }
      bool all_fired = true;
      for (auto& [key, x] : model)
        all_fired = all_fired && (!x.pending || x.due > now);
      REQUIRE(all_fired);
    };
    for (int change = 0; change < 200; ++change) {
      auto key = std::string(1, static_cast<char>('a' + rng() % 15));
      auto& x = model[key];
      bool later = rng() % 4 == 0;
      auto delay = static_cast<std::int64_t>(rng() % 1000);
      auto due = later ? now + delay : std::max(now, x.quiet_from);
      bool fits = x.pending || pending < bound;
      REQUIRE((later ? engine.submit_later(key, {{change}}, now, delay)
                     : engine.submit(key, {{change}}, now))
              == fits);
      if (fits) {
        accepted.insert(change);
        pending += x.pending ? 0 : 1;
        x.due = x.pending ? std::min(x.due, due) : due;
        x.pending = true;
        x.changes.push_back(change);
      }
      REQUIRE(engine.pending() == pending);
      // Who sleeps until `next_due_ms` is late for nothing.
      auto first_due = std::numeric_limits<std::int64_t>::max();
      for (auto& [name, one] : model)
        if (one.pending)
          first_due = std::min(first_due, one.due);
      REQUIRE((pending == 0 || engine.next_due_ms().value_or(first_due + 1) <= first_due));
      if (rng() % 2)
        take();
      if (rng() % 2)
        now += static_cast<std::int64_t>(rng() % (rng() % 8 ? 50 : 2000));
    }
    // Left alone it runs dry: all that was taken in comes out, and nothing is to be done then.
    for (int steps = 0; engine.next_due_ms(); ++steps) {
      REQUIRE(steps < 1000);
      now = std::max(now, *engine.next_due_ms());
      take();
    }
    REQUIRE(engine.pending() == 0);
    REQUIRE(seen == accepted);
  }
}

TEST_CASE("a task moves through the engine without being copied") {
  struct move_only {
    std::unique_ptr<int> value;
    void merge(move_only&& newer) { *value += *newer.value; }
  };
  delay_tasks<int, move_only> engine(milliseconds(100), 10);
  engine.submit(1, {std::make_unique<int>(1)}, at(0));
  engine.submit(1, {std::make_unique<int>(2)}, at(0));
  auto due = engine.take_due(at(0));
  REQUIRE(due.size() == 1);
  CHECK(*due[0].second.value == 3);
}

// -- restarts ------------------------------------------------------------------------------------

TEST_CASE("a failed actor starts again at once, then after growing delays up to 5 s") {
  restart_delay delay;
  std::int64_t now = 0;
  for (std::int64_t expected : {0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}) {
    CHECK(delay.next(at(now)).count() == expected);
    now += expected;
  }
  CHECK(delay.restarts() == 11);
  for (int i = 0; i < 1'000; ++i)
    CHECK(delay.next(at(now)).count() == 5000); // no shift runs over
}

TEST_CASE("a minute without failures is forgiven, a second less is not") {
  restart_delay delay;
  CHECK(delay.next(at(0)).count() == 0);
  CHECK(delay.next(at(60'000)).count() == 50);
  CHECK(delay.next(at(120'000)).count() == 100);
  CHECK(delay.next(at(180'001)).count() == 0);
  CHECK(delay.next(at(180'002)).count() == 50);
  CHECK(delay.restarts() == 5);
}
