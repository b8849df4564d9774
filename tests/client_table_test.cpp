#include "actors/naming/client_table.hpp"
#include "tests/kit/times.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace nacre;
using namespace nacre::test;

namespace {

using kind = lapse::kind;

service_ref service(int n) {
  static std::map<int, service_ref> known;
  auto& x = known[n];
  if (!x)
    x = make_service_ref({"public", "G", "s" + std::to_string(n)});
  return x;
}

client_id client(int n, client_kind of = client_kind::ephemeral) {
  return {"10.0.0." + std::to_string(n), 80, of};
}

publication_ptr publication_of(const lease_ptr& lease) {
  instance x;
  x.ip = lease->client.ip;
  x.port = lease->client.port;
  x.healthy = lease->healthy;
  return make_publication(lease, {x});
}

subscriber_ptr subscriber_of(const lease_ptr& lease) { return new subscriber(lease, {""}, "", ""); }

lease_ptr make_lease(int service_number, const client_id& owner, std::int64_t now_ms,
                     lease_terms terms = {}) {
  return nacre::make_lease(service(service_number), owner, at(now_ms), terms);
}

/// One client that publishes one instance from time 0 on.
struct one_lease {
  explicit one_lease(lease_terms terms = {}, client_kind of = client_kind::ephemeral)
    : lease(make_lease(1, client(1, of), 0, terms)) {
    table.put(publication_of(lease), at(0));
  }

  /// First time, looked at every `step_ms`, at which the lease lapses; -1 if it does not until
  /// `until_ms`. Does with the lapse what a shard does.
  std::pair<std::int64_t, kind> next_lapse(std::int64_t until_ms, std::int64_t step_ms = 1) {
    for (; now < until_ms; now += step_ms) {
      auto lapses = table.due(at(now), rules);
      if (lapses.empty())
        continue;
      REQUIRE(lapses.size() == 1);
      REQUIRE(lapses[0].lease == lease);
      if (lapses[0].what == kind::unhealthy) {
        lease->healthy = false;
        table.put(publication_of(lease), at(now));
      } else {
        table.remove(lease->client, lease->service->view());
      }
      return {now++, lapses[0].what};
    }
    return {-1, kind::removed};
  }

  client_table table;
  lapse_rules rules;
  lease_ptr lease;
  std::int64_t now = 0;
};

using lapse_at = std::pair<std::int64_t, kind>;
const lapse_at no_lapse{-1, kind::removed};

} // namespace

TEST_CASE("without beats an instance is unhealthy after 15 s and gone after 30 s") {
  // Held to ClientBeatCheckTaskV2: a term has to be exceeded, not only reached.
  one_lease x;
  CHECK(x.next_lapse(60'000) == lapse_at{15'001, kind::unhealthy});
  CHECK(x.next_lapse(60'000) == lapse_at{30'001, kind::removed});
  CHECK(x.next_lapse(90'000) == no_lapse);
  CHECK(x.table.clients() == 0);
}

TEST_CASE("the terms of the lease hold, short or long (PreservedMetadataKeys)") {
  struct row {
    lease_terms terms;
    std::vector<lapse_at> lapses;
  };
  const row rows[] = {
    {{1'000, 3'000, 6'000}, {{3'001, kind::unhealthy}, {6'001, kind::removed}}},
    {{100, 500, 500}, {{501, kind::removed}}}, // both at once: it goes
    {{100, 6'000, 3'000}, {{3'001, kind::removed}}},
    {{0, 0, 10}, {{1, kind::unhealthy}, {11, kind::removed}}},
    {{5'000, 15'000, 2'147'483'647}, {{15'001, kind::unhealthy}}},
    {{5'000, 2'147'483'647, 2'147'483'647}, {}},
  };
  for (auto& row : rows) {
    one_lease x(row.terms);
    for (auto& expected : row.lapses)
      CHECK(x.next_lapse(100'000) == expected);
    CHECK(x.next_lapse(100'000) == no_lapse);
  }
}

TEST_CASE("a lease that is renewed in time no_lapse lapses") {
  one_lease x;
  for (int beat = 0; beat < 20; ++beat) {
    CHECK(x.next_lapse(x.now + 15'000) == no_lapse);
    x.lease->renewed = at(x.now);
  }
  auto last = to_ms(x.lease->renewed.load());
  CHECK(x.next_lapse(last + 60'000) == lapse_at{last + 15'001, kind::unhealthy});
}

TEST_CASE("an unhealthy lease that beats again has a fresh term") {
  one_lease x;
  CHECK(x.next_lapse(60'000).second == kind::unhealthy);
  x.now = 29'000;
  x.lease->renewed = at(x.now);
  x.lease->healthy = true;
  x.table.put(publication_of(x.lease), at(x.now));
  CHECK(x.next_lapse(90'000) == lapse_at{44'001, kind::unhealthy});
  CHECK(x.next_lapse(90'000) == lapse_at{59'001, kind::removed});
}

TEST_CASE("nobody lapses while checks are off, all who are due do when they are on again") {
  one_lease x;
  x.rules.checks_enabled = false; // switch `check`
  CHECK(x.next_lapse(100'000) == no_lapse);
  x.rules.checks_enabled = true;
  auto [at, what] = x.next_lapse(200'000);
  CHECK(what == kind::removed);
  CHECK(at <= 100'000 + 5'000); // looked at every 5 s at least
}

TEST_CASE("without expiry an instance is marked and stays (nacos.naming.expireInstance)") {
  one_lease x;
  x.rules.expire_instance = false;
  CHECK(x.next_lapse(100'000) == lapse_at{15'001, kind::unhealthy});
  CHECK(x.next_lapse(100'000) == no_lapse);
  CHECK(x.table.publications() == 1);
  x.rules.expire_instance = true;
  auto [at, what] = x.next_lapse(200'000);
  CHECK(what == kind::removed);
  CHECK(at <= 105'000);
}

TEST_CASE("an exempt lease is left alone until it is exempt no more") {
  one_lease x;
  x.lease->exempt = true;
  CHECK(x.next_lapse(100'000) == no_lapse);
  x.lease->exempt = false;
  auto [at, what] = x.next_lapse(200'000);
  CHECK(what == kind::removed);
  CHECK(at <= 105'000);
}

TEST_CASE("changed terms take effect within 5 s") {
  one_lease x({5'000, 1'000'000, 2'000'000});
  CHECK(x.next_lapse(50'000) == no_lapse);
  x.lease->set_terms({1'000, 3'000, 1'000'000});
  auto [at, what] = x.next_lapse(100'000);
  CHECK(what == kind::unhealthy);
  CHECK(at <= 55'000);
}

TEST_CASE("after a standstill of the node every lease has a fresh term") {
  one_lease x;
  x.now = 1'000'000;
  x.rules.renewed_at_least = at(1'000'000);
  CHECK(x.next_lapse(1'060'000) == lapse_at{1'015'001, kind::unhealthy});
  CHECK(x.next_lapse(1'060'000) == lapse_at{1'030'001, kind::removed});
}

TEST_CASE("persistent instances have no lease that could run out") {
  one_lease x({100, 100, 100}, client_kind::persistent);
  CHECK(x.next_lapse(100'000, 10) == no_lapse);
  CHECK(x.table.publications() == 1);
}

TEST_CASE("a subscriber that asks for no list is told of after its time, and only then") {
  client_table table;
  lapse_rules rules;
  rules.subscriber_timeout = milliseconds(30'000);
  auto lease = make_lease(1, client(1), 0, {100, 100, 100}); // terms of beats don't matter
  table.put(subscriber_of(lease), at(0));
  for (std::int64_t now = 0; now <= 30'000; ++now)
    REQUIRE(table.due(at(now), rules).empty());
  auto lapses = table.due(at(30'001), rules);
  REQUIRE(lapses.size() == 1);
  CHECK(lapses[0].what == kind::unsubscribed);
  CHECK(lapses[0].lease == lease);
  lease->renewed = at(40'000);
  for (std::int64_t now = 40'000; now <= 70'000; ++now)
    REQUIRE(table.due(at(now), rules).empty());
  CHECK(table.due(at(70'001), rules).size() == 1);
  table.remove_subscription(client(1), service(1)->view());
  for (std::int64_t now = 70'002; now <= 120'000; ++now)
    REQUIRE(table.due(at(now), rules).empty());
  rules.checks_enabled = false; // the switch is about beats
  table.put(subscriber_of(make_lease(1, client(1), 120'000)), at(120'000));
  CHECK(table.due(at(150'000), rules).empty());
  CHECK(table.due(at(150'001), rules).size() == 1);
}

TEST_CASE("a client may publish and subscribe the same service, each with a lease of its own") {
  client_table table;
  auto publishes = make_lease(1, client(1), 0);
  auto subscribes = make_lease(1, client(1), 0);
  table.put(publication_of(publishes), at(0));
  table.put(subscriber_of(subscribes), at(0));
  CHECK(table.clients() == 1);
  CHECK(table.find(client(1), service(1)->view())->lease == publishes);
  CHECK(table.find_subscription(client(1), service(1)->view())->lease == subscribes);
  CHECK(table.remove(client(1), service(1)->view())->lease == publishes);
  CHECK_FALSE(table.find(client(1), service(1)->view()));
  CHECK(table.find_subscription(client(1), service(1)->view()));
  CHECK(table.clients() == 1);
  CHECK(table.remove_subscription(client(1), service(1)->view())->lease == subscribes);
  CHECK(table.clients() == 0);
}

TEST_CASE("one client with thousands of services is searched, not scanned, and stays right") {
  client_table table;
  std::vector<int> numbers;
  for (int i = 0; i < 5'000; ++i)
    numbers.push_back(i);
  std::shuffle(numbers.begin(), numbers.end(), std::minstd_rand(1));
  for (auto n : numbers)
    table.put(subscriber_of(make_lease(n, client(1), 0)), at(0));
  CHECK(table.subscriptions() == 5'000);
  CHECK(table.clients() == 1);
  for (auto n : numbers) {
    auto found = table.find_subscription(client(1), service(n)->view());
    REQUIRE(found);
    REQUIRE(found->lease->service == service(n));
    REQUIRE_FALSE(table.find(client(1), service(n)->view()));
  }
  for (auto n : numbers)
    REQUIRE(table.remove_subscription(client(1), service(n)->view()));
  CHECK(table.subscriptions() == 0);
  CHECK(table.clients() == 0);
}

TEST_CASE("the table holds what a plain map holds") {
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    CAPTURE(seed);
    client_table table;
    using hold = std::pair<client_id, int>;
    std::map<hold, publication_ptr> published;
    std::map<hold, subscriber_ptr> subscribed;
    for (std::int64_t now = 0; now < 150; ++now) {
      hold place{client(static_cast<int>(rng() % 4),
                        rng() % 4 ? client_kind::ephemeral : client_kind::persistent),
                 static_cast<int>(rng() % 5)};
      auto key = service(place.second)->view();
      switch (rng() % 4) {
        case 0: {
          auto x = publication_of(make_lease(place.second, place.first, now));
          table.put(x, at(now));
          published[place] = x;
          break;
        }
        case 1: {
          auto x = subscriber_of(make_lease(place.second, place.first, now));
          table.put(x, at(now));
          subscribed[place] = x;
          break;
        }
        case 2: {
          auto known = published.find(place);
          auto gone = table.remove(place.first, key);
          REQUIRE(gone == (known == published.end() ? nullptr : known->second));
          published.erase(place);
          break;
        }
        default: {
          auto known = subscribed.find(place);
          auto gone = table.remove_subscription(place.first, key);
          REQUIRE(gone == (known == subscribed.end() ? nullptr : known->second));
          subscribed.erase(place);
        }
      }
      std::set<client_id> clients;
      bool same = true;
      for (auto& [id, x] : published) {
        same = same && table.find(id.first, service(id.second)->view()) == x;
        clients.insert(id.first);
      }
      for (auto& [id, x] : subscribed) {
        same = same && table.find_subscription(id.first, service(id.second)->view()) == x;
        clients.insert(id.first);
      }
      REQUIRE(same);
      REQUIRE(table.publications() == published.size());
      REQUIRE(table.subscriptions() == subscribed.size());
      REQUIRE(table.clients() == clients.size());
    }
    // What a restarted service is given.
    for (int n = 0; n < 5; ++n) {
      std::vector<publication_ptr> publications;
      std::vector<subscriber_ptr> subscribers;
      table.collect(service(n)->view(), publications, subscribers);
      auto of_service = [n](auto& entry) { return entry.first.second == n; };
      REQUIRE(static_cast<std::ptrdiff_t>(publications.size())
              == std::count_if(published.begin(), published.end(), of_service));
      REQUIRE(static_cast<std::ptrdiff_t>(subscribers.size())
              == std::count_if(subscribed.begin(), subscribed.end(), of_service));
      for (auto& x : publications)
        REQUIRE(published.at({x->lease->client, n}) == x);
      for (auto& x : subscribers)
        REQUIRE(subscribed.at({x->lease->client, n}) == x);
    }
  }
}

namespace {

/// What is due, found by looking at every lease every time.
struct naive_leases {
  struct row {
    bool publishes;
    /// Since when the lease is due for the same thing; -1 if it is not.
    std::int64_t due_since = -1;
    kind what = kind::removed;
  };

  static bool is_due(const lease& x, bool publishes, std::int64_t now, const lapse_rules& rules,
                     kind& what) {
    auto idle = at(now) - std::max(x.renewed.load(), rules.renewed_at_least);
    if (!publishes) {
      what = kind::unsubscribed;
      return idle > rules.subscriber_timeout;
    }
    if (!rules.checks_enabled || x.exempt || x.client.kind == client_kind::persistent)
      return false;
    what = kind::removed;
    if (rules.expire_instance && idle > x.delete_timeout.load())
      return true;
    what = kind::unhealthy;
    return x.healthy && idle > x.beat_timeout.load();
  }

  std::map<lease_ptr, row> rows;
};

/// Runs a table and the naive model side by side over random registrations, beats and removals.
/// With `stable` nothing but beats changes a lease, and then each lapse has to be told at once.
void run_leases(unsigned seed, bool stable) {
  std::minstd_rand rng(seed);
  client_table table;
  naive_leases model;
  lapse_rules rules;
  rules.subscriber_timeout = milliseconds(5'000 + rng() % 20'000);
  std::map<std::pair<client_id, int>, lease_ptr> publishing, subscribing;
  auto random_terms = [&] {
    return lease_terms{1'000, static_cast<std::uint32_t>(500 + rng() % 12'000),
                       static_cast<std::uint32_t>(500 + rng() % 24'000)};
  };
  std::int64_t now = 0;
  while (now < 90'000) {
    now += 1 + static_cast<std::int64_t>(rng() % 400);
    int n = static_cast<int>(rng() % 3);
    auto who = client(static_cast<int>(rng() % 4),
                      rng() % 8 ? client_kind::ephemeral : client_kind::persistent);
    std::pair place{who, n};
    auto& holds = rng() % 3 ? publishing : subscribing;
    bool publishes = &holds == &publishing;
    switch (rng() % 8) {
      case 0:
      case 1: { // a new registration, perhaps in place of an older one
        auto x = make_lease(n, who, now, random_terms());
        if (auto old = holds.find(place); old != holds.end())
          model.rows.erase(old->second);
        holds[place] = x;
        model.rows[x] = {publishes};
        publishes ? table.put(publication_of(x), at(now)) : table.put(subscriber_of(x), at(now));
        break;
      }
      case 2: // the client goes
        if (auto old = holds.find(place); old != holds.end() && rng() % 2) {
          model.rows.erase(old->second);
          holds.erase(old);
          publishes ? (void)table.remove(who, service(n)->view())
                    : (void)table.remove_subscription(who, service(n)->view());
        }
        break;
      case 3: // the same registration again, without a beat
        if (auto known = holds.find(place); known != holds.end())
          publishes ? table.put(publication_of(known->second), at(now))
                    : table.put(subscriber_of(known->second), at(now));
        break;
      case 4: // an operator changes something
        if (auto known = holds.find(place); !stable && known != holds.end()) {
          if (rng() % 2)
            known->second->set_terms(random_terms());
          else
            known->second->exempt = !known->second->exempt;
        }
        if (!stable && rng() % 8 == 0)
          rules.checks_enabled = !rules.checks_enabled;
        if (!stable && rng() % 8 == 0)
          rules.expire_instance = !rules.expire_instance;
        if (!stable && rng() % 64 == 0)
          rules.renewed_at_least = at(now);
        break;
      default: // a beat
        if (auto known = holds.find(place); known != holds.end()) {
          auto& x = *known->second;
          x.renewed = at(now);
          // In a stable run the unhealthy stay so: a revival may bring the next look forward.
          if (!stable)
            x.healthy = true;
        }
    }
    std::set<lease_ptr> told;
    for (auto& x : table.due(at(now), rules)) {
      REQUIRE(told.insert(x.lease).second); // each at most once
      auto row = model.rows.find(x.lease);
      REQUIRE(row != model.rows.end()); // nobody who has gone or has a successor
      auto expected = kind::removed;
      REQUIRE(naive_leases::is_due(*x.lease, row->second.publishes, now, rules, expected));
      REQUIRE(x.what == expected);
      auto& lease = *x.lease;
      std::pair hold{lease.client, std::stoi(lease.service->name.substr(1))};
      if (x.what == kind::unhealthy) {
        lease.healthy = false;
        table.put(publication_of(x.lease), at(now));
        row->second.due_since = -1;
      } else if (x.what == kind::removed) {
        REQUIRE(table.remove(lease.client, lease.service->view())->lease == x.lease);
        publishing.erase(hold);
        model.rows.erase(row);
      } else {
        REQUIRE(table.remove_subscription(lease.client, lease.service->view())->lease == x.lease);
        subscribing.erase(hold);
        model.rows.erase(row);
      }
    }
    std::int64_t late_ms = -1;
    for (auto& [lease, row] : model.rows) {
      auto what = kind::removed;
      if (!naive_leases::is_due(*lease, row.publishes, now, rules, what)) {
        row.due_since = -1;
        continue;
      }
      if (row.due_since < 0)
        row.due_since = now;
      late_ms = std::max(late_ms, now - row.due_since);
    }
    REQUIRE(late_ms <= (stable ? -1 : 5'000)); // -1: nobody is due and not told
  }
}

} // namespace

TEST_CASE("lapses are told at the first look after their time, as looking at all leases tells") {
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    run_leases(seed, true);
  }
}

TEST_CASE("whatever operators and clients change, no lapse is early, double or 5 s late") {
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    CAPTURE(seed);
    run_leases(seed, false);
  }
}

TEST_CASE("a walk in pieces sees every client that beats, also while others come") {
  client_table table;
  auto put = [&](int n, client_kind of) {
    table.put(publication_of(make_lease(1, client(n, of), 0)), at(0));
  };
  for (int i = 0; i < 1'000; ++i)
    put(i, i % 4 == 0 ? client_kind::persistent : client_kind::ephemeral);
  std::map<std::string, int> seen;
  client_table::walk way;
  int turns = 0;
  auto see = [&](const publication_ptr& x) { ++seen[x->lease->client.ip.str()]; };
  while (table.walk_ephemeral(way, 100, see)) {
    if (++turns == 3)
      for (int i = 1'000; i < 5'000; ++i) // all rows get another place
        put(i, client_kind::ephemeral);
  }
  CHECK(turns >= 40);
  CHECK(seen.size() == 4'750);
  CHECK(std::all_of(seen.begin(), seen.end(), [](auto& x) { return x.second <= 2; }));
}

TEST_CASE(
  "leases come up for a look in order, none early and none late, however far ahead and however "
  "long nobody asked") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    lease_checks checks;
    std::multimap<steady_time, lease_ptr> wanted;
    auto now = at(0);
    for (int turn = 0; turn < 200; ++turn) {
      for (auto n = random() % 5; n > 0; --n) {
        auto ahead = random() % 20 == 0 ? random() % 100'000 : random() % 5'001;
        auto due = now + milliseconds(ahead) - milliseconds(3);
        auto lease = make_lease(1, client(static_cast<int>(random() % 1'000)), 0);
        checks.push(due, lease);
        wanted.emplace(due, lease);
      }
      now += milliseconds(random() % 10 == 0 ? random() % 30'000 : random() % 200);
      while (checks.has_due(now)) {
        auto lease = checks.take();
        REQUIRE(!wanted.empty());
        auto [first, last] = wanted.equal_range(wanted.begin()->first);
        auto same = std::find_if(first, last, [&](auto& x) { return x.second == lease; });
        REQUIRE(same != last);
        REQUIRE(same->first <= now);
        wanted.erase(same);
      }
      REQUIRE((wanted.empty() || wanted.begin()->first > now));
    }
  }
}

TEST_CASE("much that is due takes several turns, of which none is long, and nobody is left out") {
  client_table table;
  lapse_rules rules;
  constexpr int count = 10'000;
  std::vector<lease_ptr> leases;
  for (int i = 0; i < count; ++i) {
    leases.push_back(make_lease(i % 10, client(i), 0));
    table.put(publication_of(leases.back()), at(0));
  }
  std::set<const lease*> lapsed;
  int turns = 0;
  for (; table.has_due(at(15'001)); ++turns) {
    auto found = table.due(at(15'001), rules);
    CHECK(found.size() <= 500);
    for (auto& x : found) {
      CHECK(x.what == kind::unhealthy);
      CHECK(lapsed.insert(x.lease.get()).second);
    }
  }
  CHECK(turns >= count / 500);
  CHECK(lapsed.size() == count);
}

TEST_CASE("a lease that is in no table any more is not kept until its term ends") {
  client_table table;
  auto key = make_service_ref({"public", "G", "a service of this test alone"});
  auto lease = nacre::make_lease(key, client(1), at(0), {100, 3'600'000, 3'600'000});
  table.put(publication_of(lease), at(0));
  table.remove(client(1), key->view());
  lease = nullptr;
  CHECK(key->use_count() == 2); // of `key` and of the lease
  CHECK(table.due(at(5'000), {}).empty());
  CHECK(key->use_count() == 1);
}
