#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "protocol/naming_request.hpp"
#include "protocol/watch_pattern.hpp"

using namespace nacre;

TEST_CASE("an instance request is read as Jackson reads it") {
  auto x = parse_instance_request(
    R"({"headers":{"a":null},"namespace":null,"groupName":"","serviceName":7,"type":"t","extra":[],
        "instance":{"ip":"1.1.1.1","port":"8081","weight":null,"healthy":null,"enabled":"true",
                    "clusterName":null,"instanceId":"mine",
                    "metadata":{"n":1,"b":true,"gone":null,"s":"x"}}})");
  CHECK(x.namespace_id == "public");
  CHECK(x.group == "DEFAULT_GROUP");
  CHECK(x.service_name == "7");
  CHECK(x.type == "t");
  REQUIRE(x.what);
  CHECK(x.what->port == 8081);
  CHECK(x.what->what.weight == 0);
  CHECK_FALSE(x.what->what.healthy);
  CHECK(x.what->what.enabled);
  CHECK(x.what->what.cluster_name == "DEFAULT");
  CHECK(x.what->given_id == "mine");
  CHECK(x.what->what.metadata == metadata_map{{"b", "true"}, {"n", "1"}, {"s", "x"}});
  CHECK_FALSE(x.batch);
}

TEST_CASE("missing keys of an instance have defaults") {
  auto x = parse_instance_request(R"({"instance":{},"instances":[{},{"port":8081.7}]})");
  CHECK(x.namespace_id == "public");
  CHECK(x.service_name.empty());
  REQUIRE(x.what);
  CHECK(x.what->what.weight == 1.0);
  CHECK(x.what->what.healthy);
  CHECK(x.what->what.enabled);
  CHECK(x.what->what.metadata.empty());
  REQUIRE(x.batch);
  REQUIRE(x.batch->size() == 2);
  CHECK((*x.batch)[1].port == 8081);
}

TEST_CASE("what fits no field makes a body unreadable") {
  for (auto body :
       {"", "null", "[]", "7", "{", R"({"serviceName":{}})", R"({"type":[]})", R"({"instance":7})",
        R"({"instance":{"port":2147483648}})", R"({"instance":{"port":"x"}})",
        R"({"instance":{"healthy":"maybe"}})", R"({"instance":{"metadata":[]}})",
        R"({"instance":{"metadata":{"a":{}}}})", R"({"instances":{}})", R"({"instances":[7]})"}) {
    CAPTURE(body);
    CHECK_THROWS_AS(parse_instance_request(body), unreadable_request);
  }
  std::string deep(100'000, '[');
  CHECK_THROWS_AS(check_request_body(deep), unreadable_request);
  CHECK_THROWS_AS(check_request_body("{\"a\":\"\xff\"}"), unreadable_request);
}

namespace {

/// `items` times `{}` in `open`…`close`, or as many entries `"0":"x"` and so on.
std::string many(const std::string& open, int items, const std::string& close, bool entries) {
  std::string body = open;
  for (int i = 0; i < items; ++i) {
    body += i == 0 ? "" : ",";
    body += entries ? '"' + std::to_string(i) + "\":\"x\"" : "{}";
  }
  return body + close;
}

constexpr int items_max = 100'000;

} // namespace

TEST_CASE("a batch, a map or a list of keys with too many items is not read") {
  auto batch = [](int n) { return many(R"({"instances":[)", n, "]}", false); };
  CHECK(parse_instance_request(batch(items_max)).batch->size() == items_max);
  CHECK_THROWS_AS(parse_instance_request(batch(items_max + 1)), unreadable_request);
  auto metadata = [](int n) { return many(R"({"instance":{"metadata":{)", n, "}}}", true); };
  CHECK(parse_instance_request(metadata(items_max)).what->what.metadata.size() == items_max);
  CHECK_THROWS_AS(parse_instance_request(metadata(items_max + 1)), unreadable_request);
  auto labels = [](int n) { return many(R"({"labels":{)", n, "}}", true); };
  CHECK(parse_setup_request(labels(items_max)).labels.size() == items_max);
  CHECK_THROWS_AS(parse_setup_request(labels(items_max + 1)), unreadable_request);
  std::string keys = R"({"receivedGroupKeys":["a")";
  for (int i = 1; i < items_max; ++i)
    keys += R"(,"a")";
  CHECK(parse_fuzzy_watch_request(keys + "]}").received_keys.size() == items_max);
  CHECK_THROWS_AS(parse_fuzzy_watch_request(keys + R"(,"a"]})"), unreadable_request);
}

TEST_CASE("a setup with very many abilities is read in one pass, one with more is not read") {
  std::string body = R"({"abilityTable":{"fuzzyWatch":true)";
  for (int i = 1; i < items_max; ++i)
    body += ",\"" + std::to_string(i) + "\":1";
  auto began = std::chrono::steady_clock::now();
  CHECK(parse_setup_request(body + "}}").watches_fuzzily);
  // Where each is looked up from the first on, these are five billion steps.
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(3));
  CHECK_THROWS_AS(parse_setup_request(body + ",\"0\":1}}"), unreadable_request);
}

TEST_CASE("a setup tells whether abilities are negotiated") {
  CHECK_FALSE(parse_setup_request("{}").has_abilities);
  CHECK_FALSE(parse_setup_request(R"({"abilityTable":null})").has_abilities);
  CHECK(parse_setup_request(R"({"abilityTable":{}})").has_abilities);
  CHECK(parse_setup_request(R"({"abilityTable":{"fuzzyWatch":true}})").watches_fuzzily);
  CHECK_THROWS_AS(parse_setup_request(R"({"abilityTable":{"x":"y"}})"), unreadable_request);
  CHECK_THROWS_AS(parse_setup_request(R"({"abilityTable":[]})"), unreadable_request);
  auto x = parse_setup_request(R"({"clientVersion":"v","labels":{"module":"naming","n":null}})");
  CHECK(x.client_version == "v");
  CHECK(x.labels == metadata_map{{"module", "naming"}});
}

TEST_CASE("answers of clients are judged by their result code alone") {
  CHECK(parse_client_answer(R"({"requestId":"7","resultCode":200,"success":false})").ok);
  CHECK_FALSE(parse_client_answer(R"({"requestId":"7","resultCode":500})").ok);
  CHECK(parse_client_answer(R"({"requestId":7,"resultCode":200})").request_id == "7");
}

TEST_CASE("patterns of a fuzzy watch") {
  auto matches = [](std::string_view pattern, std::string_view group, std::string_view name) {
    auto x = parse_watch_pattern(pattern);
    REQUIRE(x);
    return x->matches({"public", group, name});
  };
  CHECK(matches("public>>g>>s", "g", "s"));
  CHECK_FALSE(matches("public>>g>>s", "g", "s2"));
  CHECK_FALSE(matches("other>>*>>*", "g", "s"));
  CHECK(matches("public>>*>>*", "g", "s"));
  CHECK(matches("public>>g*>>*s", "group", "as"));
  CHECK_FALSE(matches("public>>g*>>*s", "ag", "as"));
  CHECK(matches("public>>*>>*rd*", "g", "order"));
  CHECK_FALSE(matches("public>>*>>*xx*", "g", "order"));
  CHECK(matches("public>>*>>**", "g", "order"));
  for (auto bad : {"", "a", "a>>b", "a>>b>>", ">>b>>c", "a>>b>>c>>d"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_watch_pattern(bad));
  }
}

TEST_CASE("whatever a pattern matches begins as the pattern does before its asterisk") {
  auto all_of = [](std::string_view letters) {
    std::vector<std::string> texts{""};
    for (std::size_t i = 0; texts[i].size() < 3; ++i)
      for (char letter : letters)
        texts.push_back(texts[i] + letter);
    return texts;
  };
  for (auto& item : all_of("ab*"))
    for (auto& text : all_of("ab"))
      if (watch_pattern{"public", item, item}.matches({"public", text, text})) {
        CAPTURE(item);
        CHECK(text.starts_with(fixed_begin(item)));
      }
  CHECK(fixed_begin("ab*") == "ab");
  CHECK(fixed_begin("ab") == "ab");
  CHECK(fixed_begin("*ab*").empty());
}
