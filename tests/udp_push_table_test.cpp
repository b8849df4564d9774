#include "actors/push/udp_push_table.hpp"
#include "tests/kit/times.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace nacre;
using namespace nacre::test;

namespace {

const service_ref service_a = make_service_ref({"public", "G", "a"});
const service_ref service_b = make_service_ref({"public", "G", "b"});

/// Subscribers by service and port; who subscribes again is a new one under the same lease.
class subscriber_book {
public:
  subscriber_ptr of(const service_ref& service, std::uint16_t port) {
    auto& lease = leases_[{service, port}];
    if (!lease)
      lease = make_lease(service, {"10.0.0.1", port}, at(0));
    return new subscriber(lease, {""}, "", "");
  }

private:
  std::map<std::pair<service_ref, std::uint16_t>, lease_ptr> leases_;
};

udp_push_task make_task(const subscriber_ptr& who, std::int64_t list_time, std::int64_t packet,
                        std::string clusters = "") {
  udp_push_task x;
  x.who = who;
  x.clusters = std::move(clusters);
  x.list_ref_time = wall_at(list_time);
  x.packet_ref_time = packet;
  return x;
}

std::vector<std::int64_t> packets(const std::vector<udp_push_task>& tasks) {
  std::vector<std::int64_t> numbers;
  for (auto& x : tasks)
    numbers.push_back(x.packet_ref_time);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

using numbers = std::vector<std::int64_t>;

} // namespace

TEST_CASE("an ack ends the wait for its datagram, and only that") {
  subscriber_book subscribers;
  udp_push_table table(milliseconds(10'000), 1, 100);
  auto who = subscribers.of(service_a, 40'001);
  REQUIRE(table.add(make_task(who, 1, 77), at(0)));
  CHECK(table.pending() == 1);
  // Forged or stray acks: another address, another number.
  CHECK_FALSE(table.take({"10.0.0.2", 40'001, 77}));
  CHECK_FALSE(table.take({"10.0.0.1", 40'002, 77}));
  CHECK_FALSE(table.take({"10.0.0.1", 40'001, 78}));
  CHECK(table.pending() == 1);
  auto task = table.take({"10.0.0.1", 40'001, 77});
  REQUIRE(task);
  CHECK(task->who == who);
  CHECK(task->packet_ref_time == 77);
  CHECK(table.pending() == 0);
  CHECK_FALSE(table.take({"10.0.0.1", 40'001, 77})); // the ack of a copy
  auto overdue = table.take_overdue(at(1'000'000));
  CHECK(overdue.again.empty());
  CHECK(overdue.failed.empty());
}

TEST_CASE("a datagram without ack is sent once more after 10 s and given up after 20 s") {
  subscriber_book subscribers;
  // Held to UdpConnector: ack wait 10 s, 1 retransmission.
  udp_push_table table(milliseconds(10'000), 1, 100);
  table.add(make_task(subscribers.of(service_a, 1), 1, 77), at(1000));
  CHECK(table.take_overdue(at(10'999)).again.empty());
  auto overdue = table.take_overdue(at(11'000));
  CHECK(packets(overdue.again) == numbers{77});
  CHECK(overdue.failed.empty());
  CHECK(table.pending() == 1);
  overdue = table.take_overdue(at(20'999));
  CHECK(overdue.again.empty());
  CHECK(overdue.failed.empty());
  overdue = table.take_overdue(at(21'000));
  CHECK(overdue.again.empty());
  CHECK(packets(overdue.failed) == numbers{77});
  CHECK(table.pending() == 0);
  CHECK_FALSE(table.take({"10.0.0.1", 1, 77})); // too late
}

TEST_CASE("as many retransmissions happen as the option says") {
  for (unsigned retransmits : {0u, 1u, 2u, 5u}) {
    CAPTURE(retransmits);
    subscriber_book subscribers;
    udp_push_table table(milliseconds(100), retransmits, 100);
    table.add(make_task(subscribers.of(service_a, 1), 1, 77), at(0));
    unsigned again = 0;
    std::int64_t failed_at = -1;
    for (std::int64_t now = 0; now < 5'000 && failed_at < 0; ++now) {
      auto overdue = table.take_overdue(at(now));
      again += static_cast<unsigned>(overdue.again.size());
      if (!overdue.failed.empty())
        failed_at = now;
    }
    CHECK(again == retransmits);
    CHECK(failed_at == 100 * (retransmits + 1));
    CHECK(table.pending() == 0);
  }
}

TEST_CASE("a newer list takes the place of an older one that was not acknowledged") {
  subscriber_book subscribers;
  udp_push_table table(milliseconds(10'000), 1, 100);
  auto who = subscribers.of(service_a, 1);
  CHECK(table.add(make_task(who, 5, 100), at(0)));
  CHECK(table.add(make_task(who, 6, 101), at(1)));
  CHECK(table.pending() == 1);
  CHECK_FALSE(table.take({"10.0.0.1", 1, 100})); // the old one is nobody's any more
  auto overdue = table.take_overdue(at(10'001));
  CHECK(packets(overdue.again) == numbers{101});
  CHECK(overdue.failed.empty()); // replaced is not failed
  // The same list once more, for a client that subscribed again.
  CHECK(table.add(make_task(who, 6, 102), at(10'002)));
  CHECK(table.pending() == 1);
  CHECK(table.take({"10.0.0.1", 1, 102}));
}

TEST_CASE("an older list never follows a newer one that waits for its ack") {
  subscriber_book subscribers;
  udp_push_table table(milliseconds(10'000), 1, 100);
  auto who = subscribers.of(service_a, 1);
  CHECK(table.add(make_task(who, 5, 100), at(0)));
  CHECK_FALSE(table.add(make_task(who, 4, 101), at(1)));
  CHECK(table.pending() == 1);
  CHECK_FALSE(table.take({"10.0.0.1", 1, 101}));
  CHECK(packets(table.take_overdue(at(10'000)).again) == numbers{100});
  CHECK_FALSE(table.add(make_task(who, 4, 102), at(10'001))); // also after it was sent again
  CHECK(table.take({"10.0.0.1", 1, 100}));
}

TEST_CASE("an older list does not follow a newer one that was acknowledged or given up either") {
  subscriber_book subscribers;
  udp_push_table table(milliseconds(100), 0, 100);
  CHECK(table.add(make_task(subscribers.of(service_a, 1), 5, 100), at(0)));
  CHECK(table.take({"10.0.0.1", 1, 100}));
  CHECK_FALSE(table.add(make_task(subscribers.of(service_a, 1), 4, 101), at(1)));
  CHECK(table.add(make_task(subscribers.of(service_a, 1), 5, 102), at(2))); // as old is old enough
  CHECK(packets(table.take_overdue(at(102)).failed) == numbers{102});
  CHECK_FALSE(table.add(make_task(subscribers.of(service_a, 1), 4, 103), at(103)));
  CHECK(table.add(make_task(subscribers.of(service_a, 1), 6, 104), at(103)));
}

TEST_CASE("subscribers, services and selections are pushed to apart") {
  subscriber_book subscribers;
  udp_push_table table(milliseconds(10'000), 1, 100);
  CHECK(table.add(make_task(subscribers.of(service_a, 1), 5, 100), at(0)));
  CHECK(
    table.add(make_task(subscribers.of(service_a, 2), 1, 100), at(0))); // same packet, other port
  CHECK(table.add(make_task(subscribers.of(service_b, 1), 1, 101), at(0)));
  CHECK(table.add(make_task(subscribers.of(service_a, 1), 5, 102, "c1"), at(0)));
  CHECK(table.pending() == 4);
  CHECK_FALSE(table.add(make_task(subscribers.of(service_a, 1), 4, 103), at(0)));
  CHECK_FALSE(table.add(make_task(subscribers.of(service_a, 1), 4, 104, "c1"), at(0)));
  CHECK(table.add(make_task(subscribers.of(service_a, 2), 2, 105), at(0)));
  CHECK(table.add(make_task(subscribers.of(service_b, 1), 2, 106), at(0)));
  CHECK(table.add(make_task(subscribers.of(service_a, 1), 6, 107, "c1"), at(0)));
  CHECK(table.pending() == 4);
  CHECK(packets(table.take_overdue(at(10'000)).again) == numbers{100, 105, 106, 107});
}

TEST_CASE("beyond the bound the datagrams that wait longest count as failed") {
  subscriber_book subscribers;
  udp_push_table table(milliseconds(10'000), 1, 3);
  for (std::int64_t i = 0; i < 5; ++i)
    CHECK(table.add(make_task(subscribers.of(service_a, static_cast<std::uint16_t>(i)), 1, 100 + i),
                    at(i)));
  auto overdue = table.take_overdue(at(10));
  CHECK(packets(overdue.failed) == numbers{100, 101});
  CHECK(overdue.again.empty());
  CHECK(table.pending() == 3);
  CHECK_FALSE(table.take({"10.0.0.1", 0, 100}));
  CHECK(table.take({"10.0.0.1", 4, 104}));
  // Acknowledged ones take no room.
  CHECK(table.add(make_task(subscribers.of(service_a, 9), 1, 109), at(20)));
  CHECK(table.take_overdue(at(20)).failed.empty());
  udp_push_table none(milliseconds(10'000), 5, 0);
  none.add(make_task(subscribers.of(service_a, 1), 1, 100), at(0));
  CHECK(packets(none.take_overdue(at(0)).failed) == numbers{100});
  CHECK(none.pending() == 0);
}

TEST_CASE("a number that waits for its ack already is not given away twice") {
  subscriber_book subscribers;
  udp_push_table table(milliseconds(10'000), 1, 100);
  CHECK(table.add(make_task(subscribers.of(service_a, 1), 1, 100), at(0)));
  table.add(make_task(subscribers.of(service_b, 1), 5, 100), at(0));
  CHECK(table.pending() == 1);
  // Whatever became of the second: it does not stand for the first one's selection.
  CHECK(table.add(make_task(subscribers.of(service_a, 1), 2, 101), at(0)));
  CHECK(table.add(make_task(subscribers.of(service_b, 1), 6, 102), at(0)));
  auto overdue = table.take_overdue(at(10'000));
  CHECK(packets(overdue.again) == numbers{101, 102});
}

namespace {

using channel = std::tuple<std::uint16_t, int, std::string>;

struct sent_packet {
  channel to;
  std::int64_t list_time;
  std::int64_t due;
  unsigned sent;
};

} // namespace

TEST_CASE("the table does what a plain list of waiting datagrams does") {
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    subscriber_book subscribers;
    CAPTURE(seed);
    auto timeout = static_cast<std::int64_t>(1 + rng() % 300);
    auto retransmits = static_cast<unsigned>(rng() % 3);
    udp_push_table table(milliseconds(timeout), retransmits, 1000);
    std::map<std::int64_t, sent_packet> waiting; // by number, which is not used twice
    std::map<std::pair<std::uint16_t, int>, std::int64_t> pushed; // newest list of a subscriber
    std::vector<std::int64_t> old_numbers;
    std::int64_t now = 0;
    for (std::int64_t number = 1; number <= 150; ++number) {
      channel to{static_cast<std::uint16_t>(rng() % 3), static_cast<int>(rng() % 2),
                 rng() % 2 ? "" : "c"};
      auto& [port, which, clusters] = to;
      auto who = subscribers.of(which ? service_b : service_a, port);
      // Mostly forward in time, sometimes late.
      auto list_time = number + static_cast<std::int64_t>(rng() % 6) - 3;
      auto older =
        std::find_if(waiting.begin(), waiting.end(), [&](auto& x) { return x.second.to == to; });
      bool fits = list_time >= pushed[{port, which}];
      REQUIRE(table.add(make_task(who, list_time, number, clusters), at(now)) == fits);
      if (fits) {
        pushed[{port, which}] = list_time;
        if (older != waiting.end())
          waiting.erase(older);
        waiting[number] = {to, list_time, now + timeout, 1};
        old_numbers.push_back(number);
      }
      if (rng() % 3 == 0) {
        auto acked = old_numbers.empty() ? 0 : old_numbers[rng() % old_numbers.size()];
        auto known = waiting.find(acked);
        auto from = known != waiting.end() ? std::get<0>(known->second.to)
                                           : static_cast<std::uint16_t>(rng() % 3);
        auto task = table.take({"10.0.0.1", from, acked});
        REQUIRE(task.has_value() == (known != waiting.end()));
        if (task) {
          REQUIRE(task->packet_ref_time == acked);
          REQUIRE(task->list_ref_time == wall_at(known->second.list_time));
          waiting.erase(known);
        }
      }
      now += static_cast<std::int64_t>(rng() % 40);
      auto overdue = table.take_overdue(at(now));
      numbers again, failed;
      for (auto x = waiting.begin(); x != waiting.end();) {
        bool gone = false;
        // A timeout may have passed more than once between two looks; each look counts once.
        if (x->second.due <= now) {
          gone = x->second.sent > retransmits;
          (gone ? failed : again).push_back(x->first);
          ++x->second.sent;
          x->second.due = now + timeout;
        }
        x = gone ? waiting.erase(x) : std::next(x);
      }
      REQUIRE(packets(overdue.again) == again);
      REQUIRE(packets(overdue.failed) == failed);
      REQUIRE(table.pending() == waiting.size());
    }
  }
}

TEST_CASE("no subscriber is ever sent an older list after a newer one") {
  // Acks, retransmissions and giving up in between change nothing about that.
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    subscriber_book subscribers;
    udp_push_table table(milliseconds(100), 1, 4);
    std::map<channel, std::int64_t> newest;
    std::map<std::int64_t, std::uint16_t> ports;
    std::int64_t now = 0;
    std::string history;
    auto note = [&](const udp_push_task& x, const char* how) {
      auto& client = x.who->lease->client;
      channel to{client.port, x.who->lease->service == service_b, x.clusters};
      history += std::string(how) + " port " + std::to_string(client.port) + " service "
                 + x.who->lease->service->name + " clusters '" + x.clusters + "' list "
                 + std::to_string(to_ms(x.list_ref_time)) + "\n";
      auto& last = newest[to];
      CAPTURE(seed);
      CAPTURE(history);
      REQUIRE(to_ms(x.list_ref_time) >= last);
      last = to_ms(x.list_ref_time);
    };
    for (std::int64_t number = 1; number <= 120; ++number) {
      auto port = static_cast<std::uint16_t>(rng() % 3);
      auto who = subscribers.of(rng() % 2 ? service_b : service_a, port);
      auto task =
        make_task(who, number + static_cast<std::int64_t>(rng() % 4), number, rng() % 2 ? "" : "c");
      if (table.add(task, at(now))) {
        note(task, "sent");
        ports[number] = port;
      }
      auto acked = 1 + static_cast<std::int64_t>(rng()) % number;
      if (rng() % 2 && ports.count(acked) && table.take({"10.0.0.1", ports[acked], acked}))
        history += "acked " + std::to_string(acked) + "\n";
      now += static_cast<std::int64_t>(rng() % 60);
      for (auto& x : table.take_overdue(at(now)).again)
        note(x, "sent again");
    }
  }
}
