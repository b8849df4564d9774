#include <doctest/doctest.h>

#include <algorithm>

#include "actors/tables/replica_table.hpp"
#include "tests/kit/times.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

constexpr auto healthy = record_state::healthy;
constexpr auto unhealthy = record_state::unhealthy;
constexpr auto lapsed = record_state::lapsed;
constexpr auto removed = record_state::removed;

replica record(int client, std::int64_t version, record_state state = healthy,
               const std::string& service = "s") {
  client_id id{"10.0.0." + std::to_string(client), 80, client_kind::ephemeral};
  auto lease = make_lease(make_service_ref({"public", "G", service}), id, at(0));
  return {lease, version, state, nullptr, nullptr, at(version)};
}

auto digests_of(std::initializer_list<replica> records) {
  replica_table table;
  for (auto& x : records)
    table.put(x);
  return table.digests();
}

const auto nothing = digests_of({});

} // namespace

TEST_CASE("digests do not depend on the order in which records came") {
  CHECK(digests_of({record(1, 5), record(2, 6), record(1, 7, healthy, "t")})
        == digests_of({record(1, 7, healthy, "t"), record(2, 6), record(1, 5)}));
}

TEST_CASE("digests tell who has what: client, service, version and state") {
  auto first = digests_of({record(1, 5)});
  CHECK(first != nothing);
  CHECK(first != digests_of({record(2, 5)}));
  CHECK(first != digests_of({record(1, 6)}));
  CHECK(first != digests_of({record(1, 5, unhealthy)}));
  CHECK(first != digests_of({record(1, 5, healthy, "t")}));
}

TEST_CASE("what is gone does not count in digests") {
  CHECK(digests_of({record(1, 5, removed), record(2, 5, lapsed)}) == nothing);
  CHECK(digests_of({record(1, 5), record(1, 6, removed)}) == nothing);
  CHECK(digests_of({record(1, 5), record(1, 6, removed), record(1, 5)})
        == digests_of({record(1, 5)}));
}

TEST_CASE("a record replaces that of the same client and service, whichever object names it") {
  replica_table table;
  table.put(record(1, 5));
  table.put(record(1, 6));
  CHECK(table.size() == 1);
  CHECK(table.alive() == 1);
  auto x = record(1, 0);
  CHECK(table.find(x.lease->client, x.lease->service->view())->version == 6);
  table.put(record(1, 7, removed));
  CHECK(table.size() == 1);
  CHECK(table.alive() == 0);
  CHECK_FALSE(table.find(x.lease->client, {"public", "G", "other"}));
}

TEST_CASE("a record that is as old or older does not take the place of another") {
  replica_table table;
  table.put(record(1, 5));
  table.put_if_newer(record(1, 5, removed));
  table.put_if_newer(record(1, 4, removed));
  CHECK(table.alive() == 1);
  table.put_if_newer(record(1, 6, removed));
  CHECK(table.alive() == 0);
}

TEST_CASE("the next version is made of the one before, 0 if there is none") {
  replica_table table;
  std::vector<std::int64_t> seen;
  auto next = [&](std::int64_t before) {
    seen.push_back(before);
    return before + 10;
  };
  table.put_next(record(1, 0), next);
  table.put_next(record(1, 0), next);
  CHECK(seen == std::vector<std::int64_t>{0, 10});
  auto x = record(1, 0);
  CHECK(table.find(x.lease->client, x.lease->service->view())->version == 20);
}

TEST_CASE("only what has been gone for long is forgotten") {
  replica_table table;
  table.put(record(1, 5));           // alive
  table.put(record(2, 10, removed)); // gone since 10
  table.put(record(3, 20, lapsed));  // gone since 20
  table.sweep(at(10));
  CHECK(table.size() == 3);
  table.sweep(at(20));
  CHECK(table.size() == 2);
  table.sweep(at(1'000'000));
  CHECK(table.size() == 1);
  CHECK(table.alive() == 1);
}

TEST_CASE(
  "of more tombstones than a table keeps the oldest are forgotten, and nothing that lives") {
  replica_table table(3);
  auto knows = [&](int client) {
    auto x = record(client, 0);
    return table.find(x.lease->client, x.lease->service->view()).has_value();
  };
  table.put(record(100, 5));
  for (int i = 1; i <= 50; ++i) {
    table.put(record(i, i, removed)); // nobody registered it
    CHECK(table.size() <= 4);
  }
  CHECK_FALSE(knows(47));
  CHECK(knows(48));
  CHECK(knows(50));
  CHECK(knows(100));
  for (int i = 51; i <= 100; ++i) { // registered and taken back in turn
    table.put(record(i, i));
    table.put_if_newer(record(i, i + 1, lapsed));
  }
  CHECK(table.size() == 3);
  CHECK(table.alive() == 0);
}

TEST_CASE("what lives again is not forgotten with its tombstone, nor a newer tombstone with it") {
  replica_table table;
  table.put(record(1, 10, removed));
  table.put(record(1, 11));
  table.put(record(2, 10, removed));
  table.put(record(2, 30, lapsed));
  table.sweep(at(20));
  CHECK(table.size() == 2);
  CHECK(table.alive() == 1);
  table.sweep(at(40));
  CHECK(table.size() == 1);
  CHECK(table.alive() == 1);
}

TEST_CASE("a sweep of so many at most leaves the rest to the next") {
  replica_table table;
  for (int i = 1; i <= 5; ++i)
    table.put(record(i, i, removed));
  table.sweep(at(5), 3);
  CHECK(table.size() == 2);
  table.sweep(at(5), 3);
  CHECK(table.size() == 1);
}

TEST_CASE("all records of a client are in one bucket, which is the same on every node") {
  client_id beating{"10.0.0.1", 80, client_kind::ephemeral};
  client_id held{"1795219402626_10.0.0.1_4711", 0, client_kind::connection};
  client_id told{held.ip, 0, client_kind::remote_connection};
  CHECK(replica_table::bucket_of(held) == replica_table::bucket_of(told));
  CHECK(replica_table::bucket_of(beating) == 863);
  CHECK(replica_table::bucket_of(held) == 76);
  replica_table table;
  table.put(record(1, 5));
  table.put(record(1, 6, healthy, "t"));
  CHECK(table.bucket(replica_table::bucket_of(beating)).size() == 2);
  std::size_t all = 0;
  table.for_each([&](const replica&) { ++all; });
  CHECK(all == 2);
}
