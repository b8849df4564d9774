// What commands of the store make, and that a state survives as bytes (spec/semantics.md §6 and
// §7).
#include <doctest/doctest.h>

#include <limits>

#include "actors/store/agreed_state.hpp"
#include "protocol/store_codec.hpp"

using namespace nacre;
using namespace nacre::agreed;

namespace {

const service_name orders{"public", "DEFAULT_GROUP", "orders"};

/// A state, and the one node that asks for changes.
struct asked_state {
  agreed_state::applied ask(command what) {
    request x;
    x.session = 1;
    x.number = ++number;
    x.by = "10.0.0.9";
    x.at_ms = static_cast<std::int64_t>(1'000 * number);
    x.what = std::move(what);
    return state.apply(x, number);
  }

  agreed_state state;
  std::uint64_t number = 0;
};

override_change overlay(std::string id, override_change::kind how, metadata_map metadata,
                        double weight = 1.0) {
  return {std::move(id), {weight, true, std::move(metadata), {}, 0}, how};
}

put_instance persistent(std::string ip, std::uint16_t port) {
  instance x;
  x.ip = std::move(ip);
  x.port = port;
  x.ephemeral = false;
  return {orders, x};
}

using how = override_change::kind;

/// What changed, if it is that.
template <class Change>
const Change& changed_as(const agreed_state::applied& x) {
  return std::get<Change>(x.change.value());
}

} // namespace

TEST_CASE("agreed state: an override says who set it and when; metadata is added and removed") {
  asked_state s;
  auto done =
    s.ask(put_overrides{orders, {overlay("a:1:DEFAULT", how::replace, {{"k", "1"}}, 5.0)}});
  REQUIRE(done.done.ok());
  CHECK(changed_as<overrides_changed>(done).now == s.state.find(orders)->overrides);
  s.ask(put_overrides{orders,
                      {overlay("a:1:DEFAULT", how::add_metadata, {{"l", "2"}}),
                       overlay("b:1:DEFAULT", how::remove_metadata, {{"l", "2"}})}});
  auto& overrides = *s.state.find(orders)->overrides;
  REQUIRE(overrides.size() == 1); // nothing was there to take away at b
  auto& x = *overrides.at("a:1:DEFAULT");
  CHECK(x.weight == 5.0);
  CHECK(x.metadata == metadata_map{{"k", "1"}, {"l", "2"}});
  CHECK(x.set_by == "10.0.0.9");
  CHECK(x.set_ms == 2'000);
}

TEST_CASE("agreed state: equal overrides of one command are one object") {
  asked_state s;
  s.ask(put_overrides{
    orders, {overlay("a:1:D", how::replace, {}, 2.0), overlay("b:1:D", how::replace, {}, 2.0)}});
  auto& overrides = *s.state.find(orders)->overrides;
  CHECK(overrides.at("a:1:D") == overrides.at("b:1:D"));
}

TEST_CASE("agreed state: what many have in common is changed once, and each gets its own") {
  asked_state s;
  s.ask(put_overrides{orders,
                      {overlay("a:1:D", how::replace, {{"k", "1"}}),
                       overlay("b:1:D", how::replace, {{"k", "1"}}),
                       overlay("c:1:D", how::replace, {{"other", "1"}})}});
  s.ask(put_overrides{orders,
                      {overlay("a:1:D", how::add_metadata, {{"l", "2"}}),
                       overlay("c:1:D", how::add_metadata, {{"l", "2"}}),
                       overlay("b:1:D", how::add_metadata, {{"l", "2"}}),
                       overlay("b:1:D", how::add_metadata, {{"l", "3"}}),
                       overlay("a:1:D", how::remove_metadata, {{"k", ""}}),
                       overlay("d:1:D", how::add_metadata, {{"l", "2"}}, 7.0)}});
  auto& overrides = *s.state.find(orders)->overrides;
  CHECK(overrides.at("a:1:D")->metadata == metadata_map{{"l", "2"}});
  CHECK(overrides.at("b:1:D")->metadata == metadata_map{{"k", "1"}, {"l", "3"}});
  CHECK(overrides.at("c:1:D")->metadata == metadata_map{{"l", "2"}, {"other", "1"}});
  CHECK(overrides.at("d:1:D")->weight == 7.0);
}

TEST_CASE("agreed state: overrides that differ in one bit stay two, also in a stored state") {
  for (auto other : {0.0, 1.0}) {
    asked_state s;
    auto odd = other == 0.0 ? -0.0 : std::numeric_limits<double>::quiet_NaN();
    s.ask(put_overrides{
      orders,
      {overlay("a:1:D", how::replace, {}, odd), overlay("b:1:D", how::replace, {}, other)}});
    auto& overrides = *s.state.find(orders)->overrides;
    CHECK(overrides.at("a:1:D") != overrides.at("b:1:D"));
    auto bytes = s.state.save();
    CHECK(agreed_state::load(bytes).save() == bytes);
  }
}

TEST_CASE("agreed state: an override that was set again does not expire by an older mark") {
  asked_state s;
  s.ask(put_overrides{orders, {overlay("a:1:D", how::replace, {})}});
  s.ask(put_overrides{orders, {overlay("a:1:D", how::replace, {}, 3.0)}});
  s.ask(expire_overrides{orders, {{"a:1:D", 1'000}}});
  REQUIRE(s.state.find(orders));
  s.ask(expire_overrides{orders, {{"a:1:D", 2'000}}});
  CHECK_FALSE(s.state.find(orders)); // nothing is kept of it any more
}

TEST_CASE("agreed state: a service is created once, and keeps its kind and clusters when updated") {
  asked_state s;
  service_metadata settings;
  settings.protect_threshold = 0.5;
  CHECK(changed_as<metadata_changed>(s.ask(create_service{orders, settings})).created);
  CHECK(s.ask(create_service{orders, settings}).done.code == ec::service_exists);
  cluster_metadata cluster;
  cluster.check_port = 81;
  CHECK(s.ask(put_cluster{orders, false, "c", cluster}).done.ok());
  settings.ephemeral = true;
  settings.protect_threshold = 0.7;
  CHECK(s.ask(update_service{orders, settings}).done.ok());
  auto& stored = *s.state.find(orders)->metadata;
  CHECK_FALSE(stored.ephemeral);
  CHECK(stored.protect_threshold == 0.7);
  CHECK(stored.clusters.at("c").check_port == 81);
}

TEST_CASE("agreed state: persistent instances, by address") {
  asked_state s;
  CHECK(s.ask(persistent("10.0.0.1", 80)).done.ok());
  CHECK(s.ask(persistent("10.0.0.1", 81)).done.ok());
  auto again = persistent("10.0.0.1", 80);
  again.what.weight = 2.0;
  CHECK(changed_as<instance_put>(s.ask(again)).now->weight == 2.0);
  CHECK(s.state.instances() == 2);
  CHECK(s.state.find(orders)->instances.at({"10.0.0.1", 80}).what->weight == 2.0);
  CHECK(s.ask(remove_service{orders}).done.code == ec::service_not_empty);
  CHECK(s.ask(remove_instance{orders, "10.0.0.1", 80}).done.ok());
  CHECK_FALSE(s.ask(remove_instance{orders, "10.0.0.1", 80}).change);
  CHECK(s.ask(remove_instance{orders, "10.0.0.1", 81}).done.ok());
  CHECK(s.state.instances() == 0);
  CHECK(changed_as<service_removed>(s.ask(remove_service{orders})).service == orders);
}

TEST_CASE("agreed state: health that was set holds until the next word, and says since when") {
  asked_state s;
  s.ask(persistent("10.0.0.1", 80));
  auto first = s.ask(set_health{orders, "10.0.0.1", 80, false});
  auto changed = changed_as<instance_put>(first);
  CHECK_FALSE(changed.now->healthy);
  CHECK(changed.unhealthy_since_ms == 2'000);
  CHECK_FALSE(s.ask(set_health{orders, "10.0.0.1", 80, false}).change); // nothing new
  CHECK_FALSE(s.ask(set_health{orders, "10.0.0.2", 80, false}).change); // not there
  CHECK_FALSE(s.ask(set_health{{"public", "g", "none"}, "10.0.0.1", 80, false}).change);
  auto bytes = s.state.save();
  CHECK(agreed_state::load(bytes).save() == bytes);
  auto back = changed_as<instance_put>(s.ask(set_health{orders, "10.0.0.1", 80, true}));
  CHECK(back.now->healthy);
  CHECK(back.unhealthy_since_ms == 0);
}

TEST_CASE("agreed state: a state of the version before is read") {
  asked_state s;
  s.ask(put_namespace{{"dev", "Dev", "d"}, false});
  auto bytes = s.state.save();
  REQUIRE(bytes[0] == 2);
  bytes[0] = 1;
  CHECK(agreed_state::load(bytes).namespaces().size() == 1);
  for (char other : {'\0', '\3'}) {
    bytes[0] = other;
    CHECK_THROWS_AS(agreed_state::load(bytes), unreadable_frame);
  }
}

TEST_CASE("agreed state: a service that is ephemeral takes no persistent instance (§7.2)") {
  asked_state s;
  service_metadata settings;
  settings.ephemeral = true;
  s.ask(create_service{orders, settings});
  auto refused = s.ask(persistent("10.0.0.1", 80));
  CHECK(refused.done.code == ec::kind_conflict);
  CHECK(refused.done.text
        == "Current service DEFAULT_GROUP@@orders is ephemeral service, can't register persistent "
           "instance.");
  CHECK(s.state.instances() == 0);
}

TEST_CASE("agreed state: namespaces and switches") {
  asked_state s;
  CHECK(s.ask(put_namespace{{"dev", "Dev", "d"}, false}).done.ok());
  CHECK(s.ask(put_namespace{{"dev", "Dev", "d"}, false}).done.code == ec::namespace_exists);
  CHECK(s.ask(put_namespace{{"dev", "Other", "d"}, true}).done.ok());
  CHECK(s.ask(put_namespace{{"x", "X", ""}, true}).done.code == ec::namespace_not_found);
  CHECK(s.state.namespaces().at("dev").name == "Other");
  CHECK(s.ask(remove_namespace{"dev"}).change);
  CHECK_FALSE(s.ask(remove_namespace{"dev"}).change);
  CHECK(s.ask(set_switch{"pushEnabled", "false"}).change);
  CHECK_FALSE(s.ask(set_switch{"nobody knows it", "1"}).change);
  CHECK(s.ask(set_switch{"distroThreshold", "x"}).done.code == ec::illegal_value);
  CHECK_FALSE(s.state.switches()->push_enabled);
}

TEST_CASE("agreed state: a request that comes twice takes effect once (§6.3)") {
  agreed_state state;
  request x;
  x.session = 7;
  x.number = 1;
  x.what = put_namespace{{"dev", "Dev", ""}, false};
  CHECK(state.apply(x, 1).done.ok());
  auto again = state.apply(x, 2);
  CHECK(again.done.ok());
  CHECK_FALSE(again.change);
  auto other = x;
  other.session = 8; // somebody else asks for the same
  CHECK(state.apply(other, 3).done.code == ec::namespace_exists);
  auto later = x;
  later.number = 2;
  later.answered_below = 2;
  later.what = remove_namespace{"dev"};
  CHECK(state.apply(later, 4).change);
  CHECK_FALSE(state.apply(x, 5).change); // answered long ago
}

TEST_CASE("agreed state: comes back from bytes as it was, and from nothing less") {
  asked_state s;
  service_metadata settings;
  settings.metadata = {{"a", "b"}};
  settings.clusters["c"].checker.path = "/ok";
  s.ask(create_service{orders, settings});
  s.ask(persistent("10.0.0.1", 80));
  s.ask(put_overrides{orders, {overlay("10.0.0.1:80:DEFAULT", how::replace, {{"k", "v"}}, 9.0)}});
  s.ask(put_namespace{{"dev", "Dev", "d"}, false});
  s.ask(set_switch{"pushEnabled", "false"});
  auto bytes = s.state.save();
  auto back = agreed_state::load(bytes);
  CHECK(back.save() == bytes);
  CHECK(back.instances() == 1);
  CHECK_FALSE(back.switches()->push_enabled);
  CHECK(back.find(orders)->metadata->clusters.at("c").checker.path == "/ok");
  CHECK(back.find(orders)->overrides->at("10.0.0.1:80:DEFAULT")->weight == 9.0);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_THROWS_AS(agreed_state::load(bytes.substr(0, size)), unreadable_frame);
  CHECK_THROWS_AS(agreed_state::load(bytes + "x"), unreadable_frame);
}

TEST_CASE("store codec: each command comes back as it was, and from nothing less") {
  service_metadata settings;
  settings.protect_threshold = 0.25;
  const command all[] = {
    put_overrides{orders, {overlay("a:1:D", how::add_metadata, {{"k", "v"}})}},
    expire_overrides{orders, {{"a:1:D", 5}}},
    create_service{orders, settings},
    update_service{orders, settings},
    put_cluster{orders, true, "c", {}},
    remove_service{orders},
    persistent("10.0.0.1", 80),
    remove_instance{orders, "10.0.0.1", 80},
    put_namespace{{"dev", "Dev", "d"}, true},
    remove_namespace{"dev"},
    set_switch{"pushEnabled", "false"},
    set_health{orders, "10.0.0.1", 80, false},
  };
  REQUIRE(std::size(all) == std::variant_size_v<command>);
  for (auto& x : all) {
    request sent{3, 4, 2, "10.0.0.9", 77, x};
    auto bytes = encode_request(sent);
    auto back = decode_request(bytes);
    CHECK(back.what.index() == x.index());
    CHECK(back.number == 4);
    CHECK(encode_request(back) == bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_THROWS_AS(decode_request(bytes.substr(0, size)), unreadable_frame);
  }
}
