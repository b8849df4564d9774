#include <doctest/doctest.h>

#include "actors/connections/watch_notices.hpp"
#include "tests/kit/times.hpp"

using namespace nacre;
using namespace nacre::test;
using namespace std::chrono_literals;

namespace {

/// Acknowledged within 3 s, else again after 3 s + 1 s; refused ones after 1 s.
watch_notices notices() { return watch_notices(3'000ms, 1'000ms); }

bool has(const std::optional<server_request>& x, const std::string& text) {
  return x && x->body.str().find(text) != std::string::npos;
}

} // namespace

TEST_CASE("notices go out in order, one at a time") {
  auto x = notices();
  x.add("T", "\"n\":1", at(0));
  x.add("T", "\"n\":2", at(0));
  CHECK(has(x.take(10, at(0)), "\"n\":1"));
  CHECK_FALSE(x.take(11, at(0)));
  CHECK(x.answered(10, true, at(5)));
  CHECK(has(x.take(11, at(5)), "\"n\":2"));
  CHECK(x.answered(11, true, at(6)));
  CHECK(x.size() == 0);
  CHECK_FALSE(x.next_due());
}

TEST_CASE("a notice that is not acknowledged goes out again, under a new number") {
  auto x = notices();
  x.add("T", "\"n\":1", at(0));
  CHECK(x.take(10, at(0)));
  CHECK(x.next_due() == at(4'000));
  CHECK_FALSE(x.take(11, at(3'999)));
  CHECK(has(x.take(11, at(4'000)), "\"n\":1"));
  CHECK_FALSE(x.answered(10, true, at(4'001))); // the first one's answer is too late
  CHECK(x.answered(11, true, at(4'002)));
}

TEST_CASE("a notice that is refused goes out again after a while") {
  auto x = notices();
  x.add("T", "\"n\":1", at(0));
  CHECK(x.take(10, at(0)));
  CHECK(x.answered(10, false, at(100)));
  CHECK_FALSE(x.take(11, at(1'099)));
  CHECK(has(x.take(11, at(1'100)), "\"n\":1"));
}

TEST_CASE("answers to other requests are none to notices") {
  auto x = notices();
  CHECK_FALSE(x.answered(0, true, at(0)));
  x.add("T", "\"n\":1", at(0));
  CHECK_FALSE(x.answered(0, true, at(0))); // nothing was sent yet
  CHECK_FALSE(x.answered(7, true, at(0)));
  CHECK(x.size() == 1);
}

TEST_CASE("who does not take its notices is told so") {
  auto x = notices();
  for (std::size_t i = 0; i + 1 < watch_notices::queued_max; ++i)
    x.add("T", "\"n\":1", at(0));
  CHECK_FALSE(x.is_full());
  x.add("T", "\"n\":1", at(0));
  CHECK(x.is_full());
}

TEST_CASE("notices that wait are bounded in bytes too, until they are acknowledged") {
  auto x = notices();
  const std::string quarter(watch_notices::queued_bytes_max / 4, 'x');
  x.add("T", quarter, at(0));
  // Half of the room is for what changes behind what was asked for.
  CHECK(x.has_room_for(1, quarter.size() - 256));
  CHECK_FALSE(x.has_room_for(1, quarter.size()));
  CHECK_FALSE(x.has_room_for(watch_notices::queued_max, 0));
  for (int i = 0; i < 2; ++i)
    x.add("T", quarter, at(0));
  CHECK_FALSE(x.is_full());
  x.add("T", quarter, at(0));
  CHECK(x.is_full());
  CHECK(x.take(10, at(0)));
  CHECK(x.answered(10, false, at(0)));
  CHECK(x.is_full());
  CHECK(x.take(11, at(1'000)));
  CHECK(x.answered(11, true, at(1'000)));
  CHECK_FALSE(x.is_full());
}
