#include "actors/tables/lease.hpp"
#include "tests/kit/times.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

using namespace nacre;
using namespace nacre::test;

namespace {

const service_ref service_a = make_service_ref({"public", "G", "a"});
const service_ref service_b = make_service_ref({"public", "G", "b"});

lease_ptr make_lease(const service_ref& service, const std::string& ip, std::uint16_t port,
                     std::int64_t now_ms = 0, lease_terms terms = {}) {
  return nacre::make_lease(service, {ip, port}, at(now_ms), terms);
}

} // namespace

TEST_CASE("a new lease is healthy, checked and has the terms it was given") {
  auto x = make_lease(service_a, "10.0.0.1", 80, 1234, {1'000, 3'000, 6'000});
  CHECK(x->renewed.load() == at(1234));
  CHECK(x->beat_interval.load() == short_span(1'000));
  CHECK(x->beat_timeout.load() == short_span(3'000));
  CHECK(x->delete_timeout.load() == short_span(6'000));
  CHECK(x->healthy);
  CHECK_FALSE(x->exempt);
  CHECK_FALSE(x->own_interval);
  x->set_terms({});
  CHECK(x->beat_interval.load() == short_span(5'000));
  CHECK(x->beat_timeout.load() == short_span(15'000));
  CHECK(x->delete_timeout.load() == short_span(30'000));
}

TEST_CASE("a renewal needs service, ip and port to match, and nothing else") {
  lease_table table;
  auto x = make_lease(service_a, "10.0.0.1", 80);
  table.insert(x);
  auto renew = [&](service_key_view service, std::string_view ip, std::uint16_t port, int now) {
    return table.renew(hashed_service_key(service), ip, port, at(now)).state;
  };
  // The key's texts are compared, not its object.
  CHECK(renew({"public", "G", "a"}, "10.0.0.1", 80, 5) == renewal::renewed);
  CHECK(x->renewed.load() == at(5));
  CHECK(renew({"other", "G", "a"}, "10.0.0.1", 80, 6) == renewal::unknown);
  CHECK(renew({"public", "H", "a"}, "10.0.0.1", 80, 6) == renewal::unknown);
  CHECK(renew({"public", "G", "b"}, "10.0.0.1", 80, 6) == renewal::unknown);
  CHECK(renew({"public", "G", "a"}, "10.0.0.2", 80, 6) == renewal::unknown);
  CHECK(renew({"public", "G", "a"}, "10.0.0.1", 81, 6) == renewal::unknown);
  CHECK(renew({"public", "", "Ga"}, "10.0.0.1", 80, 6) == renewal::unknown);
  CHECK(x->renewed.load() == at(5));
}

TEST_CASE("a beat of an unhealthy lease is told apart, so that it goes to its shard") {
  lease_table table;
  auto x = make_lease(service_a, "10.0.0.1", 80);
  table.insert(x);
  x->healthy = false;
  CHECK(table.renew(hashed_service_key(*service_a), "10.0.0.1", 80, at(9)).state
        == renewal::unhealthy);
  CHECK(x->renewed.load() == at(9));
  CHECK_FALSE(x->healthy); // only the shard revives it
}

TEST_CASE("the beat interval is told only if the metadata sets one of its own") {
  lease_table table;
  auto x = make_lease(service_a, "10.0.0.1", 80, 0, {1'000, 3'000, 6'000});
  table.insert(x);
  CHECK(table.renew(hashed_service_key(*service_a), "10.0.0.1", 80, at(1)).beat_interval
        == short_span(0));
  x->own_interval = true;
  CHECK(table.renew(hashed_service_key(*service_a), "10.0.0.1", 80, at(2)).beat_interval
        == short_span(1'000));
  x->healthy = false;
  CHECK(table.renew(hashed_service_key(*service_a), "10.0.0.1", 80, at(3)).beat_interval
        == short_span(1'000));
  CHECK(table.renew(hashed_service_key(*service_b), "10.0.0.1", 80, at(3)).beat_interval
        == short_span(0));
}

TEST_CASE("a successor takes the place of its predecessor and outlives its removal") {
  lease_table table;
  auto old = make_lease(service_a, "10.0.0.1", 80);
  auto next = make_lease(service_a, "10.0.0.1", 80);
  table.insert(old);
  table.insert(old);
  CHECK(table.size() == 1);
  table.insert(next);
  CHECK(table.size() == 1);
  CHECK(table.renew(hashed_service_key(*service_a), "10.0.0.1", 80, at(7)).state
        == renewal::renewed);
  CHECK(old->renewed.load() == at(0));
  CHECK(next->renewed.load() == at(7));
  bool asked = false;
  CHECK(table.erase_if(old, [&] { return asked = true; }));
  CHECK_FALSE(asked); // it is gone already
  CHECK(table.size() == 1);
  table.erase(next);
  CHECK(table.size() == 0);
  CHECK(table.renew(hashed_service_key(*service_a), "10.0.0.1", 80, at(8)).state
        == renewal::unknown);
}

TEST_CASE("a lease stays if the condition of its removal does not hold any more") {
  lease_table table;
  auto x = make_lease(service_a, "10.0.0.1", 80);
  table.insert(x);
  CHECK_FALSE(table.erase_if(x, [] { return false; }));
  CHECK(table.size() == 1);
  CHECK(table.erase_if(x, [] { return true; }));
  CHECK(table.erase_if(x, [] { return false; })); // gone is gone
  CHECK(table.size() == 0);
}

TEST_CASE("leases can be swept by any condition") {
  lease_table table;
  for (std::uint16_t port = 1; port <= 1000; ++port)
    table.insert(make_lease(port % 2 ? service_a : service_b, "10.0.0.1", port));
  CHECK(table.size() == 1000);
  std::size_t seen = 0;
  table.erase_all_if([&](const lease& x) {
    ++seen;
    return x.client.port % 10 == 0;
  });
  CHECK(seen == 1000);
  CHECK(table.size() == 900);
  CHECK(table.renew(hashed_service_key(*service_b), "10.0.0.1", 10, at(1)).state
        == renewal::unknown);
  CHECK(table.renew(hashed_service_key(*service_a), "10.0.0.1", 11, at(1)).state
        == renewal::renewed);
}

TEST_CASE("the lease table does what a map by service and address does") {
  const service_ref services[] = {service_a, service_b, make_service_ref({"ns", "G", "a"})};
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    CAPTURE(seed);
    lease_table table;
    using address = std::tuple<std::size_t, std::string, std::uint16_t>;
    std::map<address, lease_ptr> model;
    std::vector<lease_ptr> all;
    for (std::int64_t now = 1; now <= 120; ++now) {
      address key{rng() % 3, "10.0.0." + std::to_string(rng() % 3),
                  static_cast<std::uint16_t>(rng() % 4)};
      auto& [service, ip, port] = key;
      auto known = model.find(key);
      switch (rng() % 4) {
        case 0: {
          auto x = make_lease(services[service], ip, port, now);
          x->healthy = rng() % 2 == 0;
          table.insert(x);
          model[key] = x;
          all.push_back(x);
          break;
        }
        case 1:
          if (!all.empty()) {
            // Any lease ever made: most of them have successors.
            auto x = all[rng() % all.size()];
            bool wanted = rng() % 2;
            auto holder = std::find_if(model.begin(), model.end(),
                                       [&](auto& entry) { return entry.second == x; });
            bool held = holder != model.end();
            REQUIRE(table.erase_if(x, [&] { return wanted; }) == (!held || wanted));
            if (held && wanted)
              model.erase(holder);
          }
          break;
        default: {
          auto state = table.renew(hashed_service_key(*services[service]), ip, port, at(now)).state;
          if (known == model.end()) {
            REQUIRE(state == renewal::unknown);
          } else {
            REQUIRE(known->second->renewed.load() == at(now));
            REQUIRE(state == (known->second->healthy ? renewal::renewed : renewal::unhealthy));
          }
        }
      }
      REQUIRE(table.size() == model.size());
    }
  }
}

TEST_CASE("no renewal is taken for a lease that is being removed") {
  for (unsigned round = 0; round < 20; ++round) {
    lease_table table;
    auto x = make_lease(service_a, "10.0.0.1", 80);
    table.insert(x);
    std::vector<std::thread> beats;
    for (int i = 0; i < 2; ++i)
      beats.emplace_back([&table] {
        for (std::int64_t now = 1; now < 1'000'000; ++now)
          if (table.renew(hashed_service_key(*service_a), "10.0.0.1", 80, at(now)).state
              == renewal::unknown)
            return;
      });
    std::int64_t last = -1;
    // Removed while beats arrive: the time seen under the lock is the last one there ever was.
    while (!table.erase_if(x, [&] {
      last = to_ms(x->renewed.load());
      return last > 20;
    })) {
    }
    for (auto& thread : beats)
      thread.join();
    REQUIRE(to_ms(x->renewed.load()) == last);
    REQUIRE(table.size() == 0);
  }
}

TEST_CASE("what runs exclusively is not interrupted by a renewal") {
  lease_table table;
  auto x = make_lease(service_a, "10.0.0.1", 80);
  table.insert(x);
  std::atomic<bool> done{false};
  std::thread beats([&] {
    for (std::int64_t now = 1; !done; ++now)
      table.renew(hashed_service_key(*service_a), "10.0.0.1", 80, at(now));
  });
  std::size_t interrupted = 0;
  for (int i = 0; i < 500; ++i)
    table.exclusively(x, [&] {
      auto before = x->renewed.load();
      for (int k = 0; k < 50; ++k)
        interrupted += x->renewed.load() != before ? 1 : 0;
    });
  done = true;
  beats.join();
  CHECK(interrupted == 0);
}
