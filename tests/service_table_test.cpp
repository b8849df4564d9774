#include "actors/naming/service_table.hpp"
#include "tests/kit/times.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <random>
#include <string>

using namespace nacre;
using namespace nacre::test;

namespace {

const service_ref service = make_service_ref({"public", "G", "s"});

client_id client(int port, bool ephemeral = true) {
  return {"10.0.0.1", static_cast<std::uint16_t>(port),
          ephemeral ? client_kind::ephemeral : client_kind::persistent};
}

lease_ptr make_lease(const client_id& owner) { return nacre::make_lease(service, owner, at(0)); }

instance make_instance(const client_id& owner) {
  instance x;
  x.ip = owner.ip;
  x.port = owner.port;
  x.ephemeral = owner.kind == client_kind::ephemeral;
  return x;
}

publication_ptr publish_of(const lease_ptr& lease, double weight = 1.0) {
  auto x = make_instance(lease->client);
  x.weight = weight;
  return make_publication(lease, {x});
}

subscriber_ptr subscriber_of(const lease_ptr& lease, std::vector<std::string> clusters = {""}) {
  return new subscriber(lease, std::move(clusters), "app", "agent");
}

override_table_ptr overrides_of(const std::string& id, instance_override stored) {
  return std::make_shared<const override_table>(
    override_table{{id, std::make_shared<const instance_override>(std::move(stored))}});
}

service_metadata_ptr metadata_with(metadata_map map) {
  auto x = std::make_shared<service_metadata>();
  x->metadata = std::move(map);
  return x;
}

} // namespace

TEST_CASE("a fresh service exists for nobody") {
  service_table table(service, wall_at(1000));
  CHECK_FALSE(table.listed());
  CHECK(table.kind() == service_kind::undecided);
  auto view = table.make_view();
  CHECK(view->key == service);
  CHECK_FALSE(view->listed);
  CHECK(view->publications.empty());
  CHECK(view->subscribers.empty());
  CHECK_FALSE(view->overrides);
  CHECK_FALSE(view->metadata);
  // A query before it existed was told the wall clock: the service's first time is later.
  CHECK(view->ref_time > wall_at(1000));
}

TEST_CASE("the first publication decides the kind of the service (Nacos ServiceManager)") {
  for (bool ephemeral : {true, false}) {
    service_table table(service, wall_at(0));
    CHECK(table.publish(publish_of(make_lease(client(1, ephemeral))), wall_at(1))
          == publish_result::added);
    CHECK(table.listed());
    CHECK(table.kind() == (ephemeral ? service_kind::ephemeral : service_kind::persistent));
    auto before = table.make_view();
    CHECK(table.publish(publish_of(make_lease(client(1, !ephemeral))), wall_at(2))
          == publish_result::conflict);
    CHECK(table.publish(publish_of(make_lease(client(2, !ephemeral))), wall_at(2))
          == publish_result::conflict);
    // A refused write leaves no trace.
    CHECK(table.revision() == before->revision);
    CHECK(table.make_view()->ref_time == before->ref_time);
    CHECK(table.publications().size() == 1);
    // The kind stays when the last instance has gone.
    CHECK(table.withdraw(client(1, ephemeral), wall_at(3)));
    CHECK(table.listed());
    CHECK(table.publish(publish_of(make_lease(client(2, !ephemeral))), wall_at(4))
          == publish_result::conflict);
  }
}

TEST_CASE("the same registration again makes no revision, no time and no new list") {
  service_table table(service, wall_at(0));
  auto lease = make_lease(client(1));
  REQUIRE(table.publish(publish_of(lease), wall_at(10)) == publish_result::added);
  auto before = table.make_view();
  CHECK(table.publish(publish_of(lease), wall_at(20)) == publish_result::unchanged);
  auto after = table.make_view();
  CHECK(after->revision == before->revision);
  CHECK(after->ref_time == before->ref_time);
  CHECK(&after->lists.get() == &before->lists.get());
  CHECK(table.publish(publish_of(lease, 2.0), wall_at(20)) == publish_result::updated);
  CHECK(table.revision() == before->revision + 1);
  CHECK(&table.make_view()->lists.get() != &before->lists.get());
  CHECK(table.publications().size() == 1);
}

TEST_CASE("one client holds one instance: another cluster of the same ip:port replaces it") {
  service_table table(service, wall_at(0));
  auto lease = make_lease(client(1));
  table.publish(publish_of(lease), wall_at(1));
  auto moved = make_instance(client(1));
  moved.cluster_name = "other";
  CHECK(table.publish(make_publication(lease, {moved}), wall_at(2)) == publish_result::updated);
  CHECK(table.publications().size() == 1);
  CHECK((*table.publications().find(client(1)))->instances.front().cluster_name == "other");
}

TEST_CASE("withdrawing gives what was there and changes nothing if there was nothing") {
  service_table table(service, wall_at(0));
  auto x = publish_of(make_lease(client(1)));
  table.publish(x, wall_at(1));
  auto revision = table.revision();
  CHECK_FALSE(table.withdraw(client(2), wall_at(2)));
  CHECK_FALSE(table.withdraw(client(1, false), wall_at(2)));
  CHECK(table.revision() == revision);
  CHECK(table.withdraw(client(1), wall_at(2)) == x);
  CHECK(table.revision() == revision + 1);
  CHECK_FALSE(table.withdraw(client(1), wall_at(3)));
  CHECK(table.revision() == revision + 1);
  CHECK(table.publications().empty());
}

TEST_CASE("subscribers come and go without a new revision or list") {
  service_table table(service, wall_at(0));
  auto before = table.make_view();
  auto lease = make_lease(client(1));
  CHECK(table.subscribe(subscriber_of(lease)));
  CHECK_FALSE(table.subscribe(subscriber_of(lease)));
  CHECK(table.subscribe(subscriber_of(lease, {"", "c1"})));
  CHECK(table.subscribe(subscriber_of(make_lease(client(1)), {"", "c1"}))); // a new hold
  CHECK(table.subscribers().size() == 1);
  auto after = table.make_view();
  CHECK(after->subscribers.size() == 1);
  CHECK(before->subscribers.empty());
  CHECK(after->revision == before->revision);
  CHECK(after->ref_time == before->ref_time);
  CHECK(&after->lists.get() == &before->lists.get());
  CHECK_FALSE(after->listed); // a service with subscribers only is not listed
  CHECK(table.unsubscribe(client(1)));
  CHECK_FALSE(table.unsubscribe(client(1)));
  CHECK(table.subscribers().empty());
  CHECK(table.revision() == before->revision);
}

TEST_CASE("times rise strictly, within one millisecond and when the wall clock goes back") {
  service_table table(service, wall_at(1'000'000));
  auto lease = make_lease(client(1));
  auto last = table.make_view();
  double weight = 1;
  for (std::int64_t now : {1'000'000, 1'000'000, 1'000'000, 5, 1'000'001, 999'999, 2'000'000, 0}) {
    REQUIRE(table.publish(publish_of(lease, ++weight), wall_at(now)) != publish_result::unchanged);
    auto view = table.make_view();
    CHECK(view->ref_time > last->ref_time);
    CHECK(view->ref_time > wall_at(now));
    CHECK(view->revision == last->revision + 1);
    last = view;
  }
  CHECK(last->ref_time < wall_at(2'000'000 + 10)); // it follows the clock again when it can
}

TEST_CASE("stored values are taken over once, by identity") {
  service_table table(service, wall_at(0));
  auto revision = table.revision();
  CHECK_FALSE(table.set_stored(nullptr, nullptr, wall_at(1)));
  CHECK(table.revision() == revision);
  auto overrides = overrides_of("10.0.0.1:1:DEFAULT", {});
  auto metadata = metadata_with({});
  CHECK(table.set_stored(overrides, nullptr, wall_at(2)));
  CHECK(table.set_stored(overrides, metadata, wall_at(3)));
  CHECK(table.revision() == revision + 2);
  CHECK_FALSE(table.set_stored(overrides, metadata, wall_at(4)));
  CHECK(table.revision() == revision + 2);
  auto view = table.make_view();
  CHECK(view->overrides == overrides);
  CHECK(view->metadata == metadata);
  CHECK(table.set_stored(nullptr, nullptr, wall_at(5)));
  CHECK(view->overrides == overrides); // a version that readers hold stays
}

TEST_CASE("creating a service by name makes it of the kind asked for (ServiceController)") {
  for (bool ephemeral : {true, false}) {
    service_table table(service, wall_at(0));
    auto revision = table.revision();
    table.create(ephemeral, wall_at(1));
    CHECK(table.listed());
    CHECK(table.revision() == revision + 1);
    CHECK(table.kind() == (ephemeral ? service_kind::ephemeral : service_kind::persistent));
    CHECK(table.publish(publish_of(make_lease(client(1, !ephemeral))), wall_at(2))
          == publish_result::conflict);
    CHECK(table.publish(publish_of(make_lease(client(1, ephemeral))), wall_at(2))
          == publish_result::added);
    table.create(!ephemeral, wall_at(3)); // too late: its instances have decided
    CHECK(table.kind() == (ephemeral ? service_kind::ephemeral : service_kind::persistent));
  }
}

TEST_CASE("an ended service is as if nobody had named it, but its subscribers stay") {
  service_table table(service, wall_at(0));
  table.set_stored(overrides_of("x", {}), metadata_with({{"a", "b"}}), wall_at(1));
  table.create(false, wall_at(2));
  table.subscribe(subscriber_of(make_lease(client(1))));
  auto before = table.make_view();
  table.unlist(wall_at(3));
  auto after = table.make_view();
  CHECK_FALSE(after->listed);
  CHECK(after->kind == service_kind::undecided);
  CHECK_FALSE(after->metadata);
  CHECK_FALSE(after->overrides);
  CHECK(after->subscribers.size() == 1);
  CHECK(after->revision == before->revision + 1);
  CHECK(after->ref_time > before->ref_time);
  // The next one to register decides anew.
  CHECK(table.publish(publish_of(make_lease(client(1))), wall_at(4)) == publish_result::added);
  CHECK(table.kind() == service_kind::ephemeral);
  CHECK(table.listed());
}

TEST_CASE("a restarted service goes on from its predecessor and repeats nothing") {
  service_table former(service, wall_at(5'000));
  for (int port = 1; port <= 3; ++port)
    former.publish(publish_of(make_lease(client(port))), wall_at(5'000));
  auto last = former.make_view();
  service_table table(service, wall_at(100)); // and the wall clock has gone back
  table.continue_after(*last);
  auto view = table.make_view();
  CHECK(view->listed);
  CHECK(view->kind == service_kind::ephemeral);
  // What is shown while it is rebuilt may differ from what was last shown, so it must have another
  // time: Go and Python SDKs drop a list whose lastRefTime did not rise.
  CHECK(view->revision > last->revision);
  CHECK(view->ref_time > last->ref_time);
  CHECK(&view->lists.get() != &last->lists.get());
  table.publish(publish_of(make_lease(client(1))), wall_at(100));
  CHECK(table.revision() > view->revision);
  CHECK(table.make_view()->ref_time > view->ref_time);
  CHECK(table.publish(publish_of(make_lease(client(1, false))), wall_at(101))
        == publish_result::conflict);
}

TEST_CASE("leases get the terms of the effective instance, overrides included") {
  service_table table(service, wall_at(0));
  auto lease = make_lease(client(1));
  auto x = make_instance(client(1));
  auto expect = [&](lease_terms terms, bool own_interval, bool exempt) {
    CHECK(lease->beat_interval.load() == short_span(terms.beat_interval_ms));
    CHECK(lease->beat_timeout.load() == short_span(terms.beat_timeout_ms));
    CHECK(lease->delete_timeout.load() == short_span(terms.delete_timeout_ms));
    CHECK(lease->own_interval == own_interval);
    CHECK(lease->exempt == exempt);
  };
  x.metadata = {{"preserved.heart.beat.interval", "1000"},
                {"preserved.heart.beat.timeout", "3000"}};
  table.publish(make_publication(lease, {x}), wall_at(1));
  expect({1'000, 3'000, 30'000}, true, false);
  // The operator's value wins (Nacos ClientBeatCheckTaskV2 looks at the metadata store first).
  auto id = x.metadata_id();
  table.set_stored(
    overrides_of(
      id, {1.0, true, {{"enableClientBeat", "true"}, {"preserved.heart.beat.timeout", "7000"}}}),
    nullptr, wall_at(2));
  expect({1'000, 7'000, 30'000}, true, true);
  // An override of another instance does not matter; the service's metadata may exempt, too.
  table.set_stored(overrides_of("10.0.0.1:2:DEFAULT", {1.0, true, {{"enableClientBeat", "true"}}}),
                   nullptr, wall_at(3));
  expect({1'000, 3'000, 30'000}, true, false);
  table.set_stored(nullptr, metadata_with({{"enableClientBeat", "true"}}), wall_at(4));
  expect({1'000, 3'000, 30'000}, true, true);
  x.metadata = {};
  table.publish(make_publication(lease, {x}), wall_at(5));
  expect({5'000, 15'000, 30'000}, false, true);
  table.set_stored(nullptr, metadata_with({{"enableClientBeat", "false"}}), wall_at(6));
  expect({5'000, 15'000, 30'000}, false, false);
}

TEST_CASE("whether two clients publish one address is seen in one pass, however many they have") {
  auto publication_of = [](int first, int count, const char* cluster = "c") {
    instance_list list;
    for (int i = first; i < first + count; ++i) {
      instance x;
      x.ip = "10.0." + std::to_string(i / 1'000) + '.' + std::to_string(i % 1'000);
      x.port = 80;
      x.cluster_name = cluster;
      list.push_back(std::move(x));
    }
    return make_publication(make_lease(client(1)), std::move(list));
  };
  auto few = publication_of(0, 2);
  CHECK(publication_addresses(*few).meet(*publication_of(1, 2)));
  CHECK_FALSE(publication_addresses(*few).meet(*publication_of(1, 2, "other")));
  CHECK_FALSE(publication_addresses(*few).meet(*publication_of(2, 2)));
  CHECK_FALSE(publication_addresses(*few).meet(*publication_of(0, 0)));
  auto many = publication_of(0, 100'000);
  auto others = publication_of(100'000, 100'000);
  auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(publication_addresses(*many).meet(*others));
  // Each with each is ten billion comparisons.
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
}

TEST_CASE("a service does what a plain book of its clients does") {
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    CAPTURE(seed);
    std::int64_t now = 1'000'000;
    service_table table(service, wall_at(now));
    std::map<client_id, std::pair<lease_ptr, double>> published;
    std::map<client_id, subscriber_ptr> subscribed;
    auto kind = service_kind::undecided;
    auto last = table.make_view();
    for (int step = 0; step < 60; ++step) {
      now += static_cast<std::int64_t>(rng() % 5) - 1; // stands still and goes back, too
      // Mostly of one kind, else nearly all is a conflict.
      auto who = client(static_cast<int>(rng() % 6), rng() % 8 != 0);
      bool changed = false;
      switch (rng() % 8) {
        case 0:
        case 1:
        case 2: {
          auto known = published.find(who);
          auto lease =
            known != published.end() && rng() % 4 ? known->second.first : make_lease(who);
          auto weight = static_cast<double>(rng() % 2);
          auto result = table.publish(publish_of(lease, weight), wall_at(now));
          auto own_kind =
            who.kind == client_kind::ephemeral ? service_kind::ephemeral : service_kind::persistent;
          bool conflicts = kind != service_kind::undecided && kind != own_kind;
          auto expected = conflicts                                   ? publish_result::conflict
                          : known == published.end()                  ? publish_result::added
                          : known->second == std::pair(lease, weight) ? publish_result::unchanged
                                                                      : publish_result::updated;
          REQUIRE(result == expected);
          if (expected != publish_result::conflict) {
            kind = own_kind;
            published[who] = {lease, weight};
            changed = expected != publish_result::unchanged;
          }
          break;
        }
        case 3: {
          auto gone = table.withdraw(who, wall_at(now));
          auto known = published.find(who);
          REQUIRE((gone != nullptr) == (known != published.end()));
          changed = gone != nullptr;
          if (gone) {
            REQUIRE(gone->lease == known->second.first);
            published.erase(known);
          }
          break;
        }
        case 4:
        case 5: {
          auto x = subscriber_of(make_lease(who));
          REQUIRE(table.subscribe(x));
          REQUIRE_FALSE(table.subscribe(x));
          subscribed[who] = x;
          break;
        }
        case 6:
          REQUIRE((table.unsubscribe(who) != nullptr) == (subscribed.erase(who) == 1));
          break;
        default:
          if (published.empty() && rng() % 4 == 0) {
            table.unlist(wall_at(now));
            kind = service_kind::undecided;
            changed = true;
          }
      }
      auto view = table.make_view();
      REQUIRE((&view->lists.get() != &last->lists.get()) == changed);
      REQUIRE(view->revision == last->revision + (changed ? 1 : 0));
      REQUIRE((view->ref_time > last->ref_time) == changed);
      REQUIRE(view->publications.size() == published.size());
      REQUIRE(view->subscribers.size() == subscribed.size());
      bool same = true;
      for (auto& [id, x] : published) {
        auto found = view->publications.find(id);
        same = same && found && (*found)->lease == x.first
               && (*found)->instances.front().weight == x.second;
      }
      for (auto& [id, x] : subscribed) {
        auto found = view->subscribers.find(id);
        same = same && found && *found == x;
      }
      REQUIRE(same);
      last = view;
    }
  }
}
