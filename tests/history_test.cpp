#include "actors/tables/history.hpp"
#include "tests/kit/times.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace nacre;

namespace {

service_ref service(int n) { return make_service_ref({"public", "G", std::to_string(n)}); }

change_event at(std::int64_t ms, change_kind what = change_kind::updated) {
  change_event x;
  x.at = test::wall_at(ms);
  x.what = what;
  return x;
}

std::vector<std::int64_t> times(const history_book& book, int n) {
  std::vector<std::int64_t> result;
  for (auto& x : book.events(service(n)->view()))
    result.push_back(to_ms(x.at));
  return result;
}

using ms = std::vector<std::int64_t>;

} // namespace

TEST_CASE("nothing is known of a service that never changed") {
  history_book book;
  CHECK(book.events({"public", "G", "s"}).empty());
  book.add(service(1), at(1));
  CHECK(times(book, 2).empty());
  CHECK(book.events({"other", "G", "1"}).empty());
}

TEST_CASE("an event keeps who, what, why and by whom, also when the service is gone") {
  history_book book;
  lease_ptr lease;
  {
    auto key = service(1);
    lease = lease_ptr(make_lease(key, {"10.0.0.1", 80}, test::at(0)));
    auto x = at(123, change_kind::removed);
    x.why = change_reason::beats_stopped;
    x.who = lease;
    x.by = std::make_shared<const std::string>("10.9.9.9");
    book.add(key, x);
  }
  auto events = book.events({"public", "G", "1"}); // found by name, with another key object
  REQUIRE(events.size() == 1);
  CHECK(events[0].at == test::wall_at(123));
  CHECK(events[0].what == change_kind::removed);
  CHECK(events[0].why == change_reason::beats_stopped);
  CHECK(events[0].who == lease);
  REQUIRE(events[0].by);
  CHECK(*events[0].by == "10.9.9.9");
}

TEST_CASE("the last 16 events are kept, oldest first") {
  history_book book;
  ms expected;
  for (std::int64_t i = 1; i <= 100; ++i) {
    book.add(service(1), at(i));
    expected.push_back(i);
    if (expected.size() > history_book::events_max)
      expected.erase(expected.begin());
    CAPTURE(i);
    CHECK(times(book, 1) == expected);
  }
  CHECK(times(book, 1) == ms{85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100});
}

TEST_CASE("beyond the bound the services that changed longest ago are forgotten") {
  history_book book(3);
  for (int n = 1; n <= 3; ++n)
    book.add(service(n), at(n));
  book.add(service(1), at(4)); // 2 is the oldest now
  book.add(service(4), at(5));
  CHECK(times(book, 1) == ms{1, 4});
  CHECK(times(book, 2).empty());
  CHECK(times(book, 3) == ms{3});
  CHECK(times(book, 4) == ms{5});
  // Reading is no change.
  (void)times(book, 3);
  book.add(service(5), at(6));
  CHECK(times(book, 3).empty());
  // Who comes back begins anew.
  book.add(service(2), at(7));
  CHECK(times(book, 2) == ms{7});
}

TEST_CASE("the book does what a list of services with their last events does") {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    std::minstd_rand rng(seed);
    auto bound = 1 + rng() % 6;
    history_book book(bound);
    std::list<std::pair<int, std::deque<std::int64_t>>> model; // front: changed last
    for (std::int64_t i = 0; i < 300; ++i) {
      auto n = static_cast<int>(rng() % 8);
      book.add(service(n), at(i));
      std::deque<std::int64_t> events;
      for (auto x = model.begin(); x != model.end(); ++x)
        if (x->first == n) {
          events = x->second;
          model.erase(x);
          break;
        }
      events.push_back(i);
      if (events.size() > 16)
        events.pop_front();
      model.emplace_front(n, events);
      if (model.size() > bound)
        model.pop_back();
    }
    CAPTURE(seed);
    for (int n = 0; n < 8; ++n) {
      ms expected;
      for (auto& [name, events] : model)
        if (name == n)
          expected.assign(events.begin(), events.end());
      REQUIRE(times(book, n) == expected);
    }
  }
}

TEST_CASE("kinds and reasons have the names that operators read") {
  CHECK(to_string(change_kind::registered) == "registered");
  CHECK(to_string(change_kind::updated) == "updated");
  CHECK(to_string(change_kind::removed) == "removed");
  CHECK(to_string(change_kind::unhealthy) == "unhealthy");
  CHECK(to_string(change_kind::healthy) == "healthy");
  CHECK(to_string(change_kind::subscribed) == "subscribed");
  CHECK(to_string(change_kind::unsubscribed) == "unsubscribed");
  CHECK(to_string(change_kind::rebuilt) == "rebuilt");
  CHECK(to_string(change_reason::request) == "request");
  CHECK(to_string(change_reason::beat) == "beat");
  CHECK(to_string(change_reason::beats_stopped) == "beats stopped");
  CHECK(to_string(change_reason::queries_stopped) == "queries stopped");
  CHECK(to_string(change_reason::restart) == "restart");
}
