#include "protocol/metadata.hpp"

#include "actors/tables/metadata_store.hpp"
#include "protocol/instance.hpp"
#include "protocol/service_metadata.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>

using namespace nacre;

namespace {

metadata_map of(std::initializer_list<std::pair<std::string, std::string>> entries) {
  metadata_map map;
  for (auto& [key, value] : entries)
    set_metadata(map, key, value);
  return map;
}

} // namespace

TEST_CASE("a metadata map does what std::map does, for any order of changes") {
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    metadata_map map;
    std::map<std::string, std::string> model;
    for (auto n = rng() % 60; n > 0; --n) {
      auto key = std::string(rng() % 3, 'k') + std::to_string(rng() % 8);
      if (rng() % 3) {
        auto value = std::to_string(rng());
        set_metadata(map, key, value);
        model[key] = value;
      } else {
        map = without_keys(map, {{key, ""}});
        model.erase(key);
      }
      auto found = find_metadata(map, key);
      auto expected = model.find(key);
      CAPTURE(seed);
      REQUIRE((found != nullptr) == (expected != model.end()));
      if (found)
        REQUIRE(*found == expected->second);
    }
    CAPTURE(seed);
    REQUIRE(map == metadata_map(model.begin(), model.end()));
  }
}

TEST_CASE("entries in any order become a map in which the last of a key holds") {
  CHECK(make_metadata({}).empty());
  CHECK(make_metadata({{"b", "1"}, {"a", "2"}, {"b", ""}}) == of({{"a", "2"}, {"b", ""}}));
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    metadata_map entries;
    std::map<std::string, std::string> model;
    for (auto n = rng() % 40; n > 0; --n) {
      entries.emplace_back(std::to_string(rng() % 12), std::to_string(n));
      model[entries.back().first] = entries.back().second;
    }
    CAPTURE(seed);
    CHECK(make_metadata(entries) == metadata_map(model.begin(), model.end()));
  }
}

TEST_CASE(
  "merging puts the upper entries over the lower ones and keeps the rest, taking away ends them") {
  CHECK(merged({}, {}).empty());
  CHECK(merged(of({{"a", "1"}}), {}) == of({{"a", "1"}}));
  CHECK(merged({}, of({{"a", "1"}})) == of({{"a", "1"}}));
  CHECK(merged(of({{"a", "1"}, {"b", "2"}}), of({{"b", ""}, {"c", "3"}}))
        == of({{"a", "1"}, {"b", ""}, {"c", "3"}}));
  for (unsigned seed = 1; seed <= 500; ++seed) {
    std::minstd_rand rng(seed);
    std::map<std::string, std::string> low, high;
    for (auto n = rng() % 20; n > 0; --n)
      (rng() % 2 ? low : high)[std::to_string(rng() % 12)] = std::to_string(rng());
    auto expected = high;
    expected.insert(low.begin(), low.end());
    CHECK(merged({low.begin(), low.end()}, {high.begin(), high.end()})
          == metadata_map(expected.begin(), expected.end()));
    expected = low;
    for (auto& [key, value] : high)
      expected.erase(key);
    CHECK(without_keys({low.begin(), low.end()}, {high.begin(), high.end()})
          == metadata_map(expected.begin(), expected.end()));
  }
}

TEST_CASE("metadata is a JSON object of scalars (Nacos UtilsAndCommons.parseMetadata)") {
  struct row {
    std::string_view text;
    std::optional<metadata_map> value;
  };
  const row rows[] = {
    {"", metadata_map{}},
    {" \t", metadata_map{}},
    {"{}", metadata_map{}},
    {" { } ", metadata_map{}},
    {R"({"a":"1","b":"two words","k":"中文"})",
     of({{"a", "1"}, {"b", "two words"}, {"k", "中文"}})},
    {R"({"n":1,"m":-7,"t":true,"f":false})",
     of({{"n", "1"}, {"m", "-7"}, {"t", "true"}, {"f", "false"}})},
    {R"({"big":9223372036854775807,"bigger":18446744073709551615})",
     of({{"big", "9223372036854775807"}, {"bigger", "18446744073709551615"}})},
    {R"({"d":1.5,"one":1.0})", of({{"d", "1.5"}, {"one", "1.0"}})},
    {R"({"a":null,"b":"1"})", of({{"b", "1"}})}, // SDKs refuse a null in metadata
    {R"({"a":"1","a":"2"})", of({{"a", "2"}})},
    {R"({"z":"1","a":"2"})", of({{"a", "2"}, {"z", "1"}})},
    {R"({"":""})", of({{"", ""}})},
    {R"({"e":"\u00e9\n\"\\\ud83d\ude00"})", of({{"e", "é\n\"\\😀"}})},
    {R"({"a":{"b":"c"}})", {}},
    {R"({"a":["b"]})", {}},
    {R"({"a":"1")", {}},
    {"{bad", {}},
    {R"(["a"])", {}},
    {R"("a")", {}},
    {"null", metadata_map{}}, // what clients send that serialise a map they have not got
    {" null ", metadata_map{}},
    {"nil", {}},
  };
  for (auto& x : rows) {
    CAPTURE(x.text);
    CHECK(parse_metadata(x.text) == x.value);
  }
}

TEST_CASE("metadata that is no JSON is k1=v1,k2=v2 (Nacos UtilsAndCommons.parseMetadata)") {
  struct row {
    std::string_view text;
    std::optional<metadata_map> value;
  };
  const row rows[] = {
    {"a=1", of({{"a", "1"}})},
    {"a=1,b=2", of({{"a", "1"}, {"b", "2"}})},
    {"a=1,a=2", of({{"a", "2"}})},
    {" a = 1 ", of({{" a ", " 1 "}})},
    {"=v", of({{"", "v"}})},
    {"a=1,", of({{"a", "1"}})}, // Java's split drops empty parts at the end
    {"a=1,,,", of({{"a", "1"}})},
    {",", metadata_map{}},
    {"a", {}},
    {"a=", {}},
    {"=", {}},
    {"a=1,b", {}},
    {"a=1,b=", {}},
    {"a==1", {}},
    {"a=b=c", {}},
    {",a=1", {}},
    {"a=1,,b=2", {}},
  };
  for (auto& x : rows) {
    CAPTURE(x.text);
    CHECK(parse_metadata(x.text) == x.value);
  }
}

TEST_CASE("lengths of metadata are those of Java strings, keys included") {
  CHECK(metadata_length({}) == 0);
  CHECK(metadata_length(of({{"key", "value"}, {"中", "😀"}})) == 8 + 3);
}

TEST_CASE("lease terms come from the reserved keys (Nacos PreservedMetadataKeys)") {
  CHECK(lease_terms_of({}) == lease_terms{5'000, 15'000, 30'000});
  CHECK(lease_terms_of(of({{"a", "b"}})) == lease_terms{5'000, 15'000, 30'000});
  CHECK(lease_terms_of(of({{"preserved.heart.beat.interval", "1000"},
                           {"preserved.heart.beat.timeout", "3000"},
                           {"preserved.ip.delete.timeout", "6000"}}))
        == lease_terms{1'000, 3'000, 6'000});
  struct row {
    std::string_view text;
    std::uint32_t timeout;
  };
  const row rows[] = {
    {"0", 0},
    {"00100", 100},
    {"2147483647", 2147483647},
    {"2147483648", 2147483647}, // cut: "never", and sums can't overflow
    {"99999999999999999999999", 2147483647},
    {"", 15'000},
    {" 3000", 15'000},
    {"-3000", 15'000},
    {"+3000", 15'000},
    {"3000.0", 15'000},
    {"3s", 15'000},
    {"３", 15'000},
  };
  for (auto& x : rows) {
    CAPTURE(x.text);
    CHECK(lease_terms_of(of({{"preserved.heart.beat.timeout", std::string(x.text)}}))
          == lease_terms{5'000, x.timeout, 30'000});
  }
}

TEST_CASE("enableClientBeat takes an owner out of the beat checks (EnableBeatCheckInterceptor)") {
  CHECK_FALSE(exempt_from_beat_checks({}));
  CHECK(exempt_from_beat_checks(of({{"enableClientBeat", "true"}})));
  CHECK(exempt_from_beat_checks(of({{"enableClientBeat", "Yes"}})));
  CHECK_FALSE(exempt_from_beat_checks(of({{"enableClientBeat", "false"}})));
  CHECK_FALSE(exempt_from_beat_checks(of({{"enableClientBeat", ""}})));
  CHECK_FALSE(exempt_from_beat_checks(of({{"enableclientbeat", "true"}})));
}

TEST_CASE("an override replaces weight and enabled and adds metadata (Nacos InstanceUtil)") {
  instance published;
  published.ip = "10.0.0.1";
  published.port = 80;
  published.weight = 5;
  published.enabled = false;
  published.healthy = false;
  published.metadata = of({{"a", "1"}, {"b", "2"}});
  auto x = with_override(published, {2.5, true, of({{"b", "3"}, {"c", "4"}})});
  CHECK(x.weight == 2.5);
  CHECK(x.enabled);
  CHECK_FALSE(x.healthy);
  CHECK(x.metadata == of({{"a", "1"}, {"b", "3"}, {"c", "4"}}));
  CHECK(published.metadata == of({{"a", "1"}, {"b", "2"}}));
  CHECK(published.metadata_id() == "10.0.0.1:80:DEFAULT");
  // An override without words still resets weight and enabled.
  x = with_override(published, {});
  CHECK(x.weight == 1.0);
  CHECK(x.enabled);
}

TEST_CASE("two instances are the same if no list can tell them apart") {
  const instance base;
  auto differs = [&](auto change) {
    auto other = base;
    change(other);
    return !same_instance(base, other) && !same_instance(other, base);
  };
  CHECK(same_instance(base, base));
  CHECK(differs([](instance& x) { x.ip = "1"; }));
  CHECK(differs([](instance& x) { x.port = 1; }));
  CHECK(differs([](instance& x) { x.cluster_name = "c"; }));
  CHECK(differs([](instance& x) { x.weight = 1.5; }));
  CHECK(differs([](instance& x) { x.weight = std::nan(""); }));
  CHECK(differs([](instance& x) { x.healthy = false; }));
  CHECK(differs([](instance& x) { x.enabled = false; }));
  CHECK(differs([](instance& x) { x.ephemeral = false; }));
  CHECK(differs([](instance& x) {
    x.generator = id_generator::snowflake;
    x.id = new id_text("1");
  }));
  CHECK(differs([](instance& x) { x.metadata = {{"a", ""}}; }));
  // A new number for the same registration must not look like a change.
  CHECK_FALSE(differs([](instance& x) { x.id = new id_text("7"); }));
  instance nan;
  nan.weight = std::nan("");
  auto other = nan;
  other.weight = -nan.weight;
  CHECK(same_instance(nan, other));
}

TEST_CASE("instance ids are made as the metadata asks (Nacos InstanceIdGenerator)") {
  const service_key_view service{"public", "G1", "full-31"};
  instance x;
  x.ip = "10.0.0.2";
  x.port = 9001;
  x.cluster_name = "c1";
  CHECK(x.instance_id(service) == "");
  x.generator = id_generator::simple;
  CHECK(x.instance_id(service) == "10.0.0.2#9001#c1#G1@@full-31");
  x.generator = id_generator::snowflake;
  x.id = new id_text("1099511627776");
  CHECK(x.instance_id(service) == "1099511627776#c1#G1@@full-31");
  x.id = new id_text("18446744073709551615");
  CHECK(x.instance_id(service) == "18446744073709551615#c1#G1@@full-31");
}

TEST_CASE("health checkers are read by their type, an unknown one is NONE (HealthCheckerFactory)") {
  using kind = health_checker::kind;
  const std::pair<std::string_view, kind> rows[] = {
    {R"({"type":"TCP"})", kind::tcp},
    {R"({"type":"tcp"})", kind::tcp},
    {R"({"type":"HTTP"})", kind::http},
    {R"({"type":"MYSQL"})", kind::mysql},
    {R"({"type":"NONE"})", kind::none},
    {R"({"type":"GRPC"})", kind::none},
    {R"({})", kind::none},
    {R"({"type":null})", kind::none},
    {R"({"type":["TCP"]})", kind::none},
  };
  for (auto& [json, expected] : rows) {
    CAPTURE(json);
    auto checker = parse_health_checker(json);
    REQUIRE(checker);
    CHECK(checker->type == expected);
  }
  for (std::string_view json : {"", "TCP", "[]", "null", "\"TCP\"", "{"}) {
    CAPTURE(json);
    CHECK_FALSE(parse_health_checker(json));
  }
  auto http = parse_health_checker(
    R"({"type":"HTTP","path":"/h","headers":"a:b|c:d","expectedResponseCode":204})");
  REQUIRE(http);
  CHECK(http->path == "/h");
  CHECK(http->headers == "a:b|c:d");
  CHECK(http->expected_response_code == 204);
  CHECK(parse_health_checker(R"({"type":"HTTP"})")->expected_response_code == 200);
  CHECK(parse_health_checker(R"({"expectedResponseCode":1e300})")->expected_response_code == 200);
  auto mysql = parse_health_checker(R"({"type":"MYSQL","user":"u","pwd":"p","cmd":"select 1"})");
  REQUIRE(mysql);
  CHECK(mysql->user == "u");
  CHECK(mysql->password == "p");
  CHECK(mysql->command == "select 1");
}

TEST_CASE("selectors are none or label, what else is refused (Nacos SelectorManager)") {
  for (std::string_view json :
       {"", "  ", R"({"type":"none"})", R"({"type":"none","expression":"x"})"}) {
    CAPTURE(json);
    auto x = parse_selector(json);
    CHECK(x.is_json);
    REQUIRE(x.value);
    CHECK(x.value->type == selector::kind::none);
  }
  for (std::string_view json :
       {R"({"type":"cmdb"})", R"({"type":""})", "{}", R"({"type":"NONE"})"}) {
    CAPTURE(json);
    auto x = parse_selector(json);
    CHECK(x.is_json);
    CHECK_FALSE(x.value);
  }
  for (std::string_view json : {"none", "[]", "{", "nil", "1"}) {
    CAPTURE(json);
    auto x = parse_selector(json);
    CHECK_FALSE(x.is_json);
    CHECK_FALSE(x.value);
  }
  auto x = parse_selector(R"({"type":"label","expression":)"
                          R"("CONSUMER.label.A = PROVIDER.label.A &CONSUMER.label.B=x"})");
  REQUIRE(x.value);
  CHECK(x.value->type == selector::kind::label);
  CHECK(x.value->labels == std::vector<std::string>{"A", "B"});
  CHECK(x.value->expression == "CONSUMER.label.A = PROVIDER.label.A &CONSUMER.label.B=x");
}

TEST_CASE("what is stored about services is found by name until it is removed") {
  metadata_store store;
  auto a = make_service_ref({"ns", "g", "a"});
  auto b = make_service_ref({"ns", "g", "b"});
  CHECK_FALSE(store.overrides(a->view()));
  CHECK_FALSE(store.metadata(a->view()));
  auto overrides = std::make_shared<const override_table>(
    override_table{{"1:2:c", std::make_shared<instance_override>()}});
  auto metadata = std::make_shared<const service_metadata>();
  store.set_overrides(a, overrides);
  store.set_metadata(a, metadata);
  store.set_metadata(b, metadata);
  // A look-up needs no key object of its own.
  CHECK(store.overrides({"ns", "g", "a"}) == overrides);
  CHECK(store.metadata({"ns", "g", "a"}) == metadata);
  CHECK_FALSE(store.overrides({"ns", "g", "b"}));
  CHECK_FALSE(store.metadata({"other", "g", "a"}));
  REQUIRE(store.overridden_services().size() == 1);
  CHECK(store.overridden_services().front() == a);
  // No overrides are no entry, so nothing is swept for them.
  store.set_overrides(a, std::make_shared<const override_table>());
  CHECK_FALSE(store.overrides(a->view()));
  CHECK(store.overridden_services().empty());
  CHECK(store.metadata(a->view()) == metadata);
  store.set_metadata(a, nullptr);
  CHECK_FALSE(store.metadata(a->view()));
  CHECK(store.metadata(b->view()) == metadata);
}

TEST_CASE("namespaces are kept in order of id and replaced by id") {
  metadata_store store;
  CHECK(store.namespaces().empty());
  store.set_namespace({"b", "B", ""});
  store.set_namespace({"a", "A", "first"});
  store.set_namespace({"b", "B2", "again"});
  auto all = store.namespaces();
  REQUIRE(all.size() == 2);
  CHECK(all[0].id == "a");
  CHECK(all[1].name == "B2");
  REQUIRE(store.find_namespace("b"));
  CHECK(store.find_namespace("b")->description == "again");
  CHECK_FALSE(store.find_namespace("c"));
  CHECK(store.remove_namespace("b"));
  CHECK_FALSE(store.remove_namespace("b"));
  CHECK(store.namespaces().size() == 1);
}
