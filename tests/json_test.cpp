#include "protocol/json_reader.hpp"
#include "protocol/json_writer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>

using namespace nacre;

namespace {

bool is_json(std::string_view text) { return json_document(text).error().empty(); }

std::string nested(std::size_t depth, char open, char close) {
  return std::string(depth, open) + std::string(depth, close);
}

/// What the writer makes of one string.
std::string written(std::string_view text) {
  json_writer out;
  out.string(text);
  return out.take();
}

std::string written(double number) {
  json_writer out;
  out.real(number);
  return out.take();
}

/// A value of our own to write and to compare with what the reader gives back.
struct tree {
  enum kind { null, boolean, number, text, array, object } type = null;
  double value = 0;
  std::string string;
  std::vector<std::pair<std::string, tree>> members;
};

std::string random_text(std::minstd_rand& rng) {
  constexpr std::string_view pieces[] = {"a",    "\"", "\\", "/", "\n", "\t", "\x01", "\x1f",
                                         "\x7f", "é",  "中", "😀", "{",  "]",  ",",    " "};
  std::string text;
  for (auto n = rng() % 6; n > 0; --n)
    text += pieces[rng() % std::size(pieces)];
  if (rng() % 8 == 0)
    text.push_back('\0');
  return text;
}

tree random_tree(std::minstd_rand& rng, unsigned depth) {
  tree x;
  x.type = static_cast<tree::kind>(rng() % (depth > 0 ? 6 : 4));
  if (x.type == tree::boolean)
    x.value = rng() % 2;
  else if (x.type == tree::number)
    x.value = (static_cast<double>(rng()) - 1e9) / static_cast<double>(1 + rng() % 1000);
  else if (x.type == tree::text)
    x.string = random_text(rng);
  else if (x.type == tree::array || x.type == tree::object)
    for (auto n = rng() % 4; n > 0; --n)
      x.members.emplace_back(random_text(rng) + std::to_string(n), random_tree(rng, depth - 1));
  return x;
}

void put(json_writer& out, const tree& x) {
  switch (x.type) {
    case tree::null:
      out.null();
      break;
    case tree::boolean:
      out.boolean(x.value != 0);
      break;
    case tree::number:
      out.real(x.value);
      break;
    case tree::text:
      out.string(x.string);
      break;
    case tree::array:
      out.begin_array();
      for (auto& [key, member] : x.members)
        put(out, member);
      out.end_array();
      break;
    case tree::object:
      out.begin_object();
      for (auto& [key, member] : x.members)
        put(out.key(key), member);
      out.end_object();
      break;
  }
}

bool same(const json_value& read, const tree& x) {
  if (!read || read.is_null() != (x.type == tree::null)
      || read.is_array() != (x.type == tree::array) || read.is_object() != (x.type == tree::object)
      || read.string().has_value() != (x.type == tree::text)
      || read.number().has_value() != (x.type == tree::number)
      || read.boolean().has_value() != (x.type == tree::boolean))
    return false;
  if (x.type == tree::boolean && *read.boolean() != (x.value != 0))
    return false;
  if (x.type == tree::number && *read.number() != x.value)
    return false;
  if (x.type == tree::text && *read.string() != x.string)
    return false;
  auto members = read.members();
  auto elements = read.elements();
  if ((x.type == tree::array ? elements.size() : members.size()) != x.members.size())
    return false;
  for (std::size_t i = 0; i < x.members.size(); ++i) {
    auto& [key, member] = x.members[i];
    bool equal = x.type == tree::array ? same(elements[i], member)
                                       : members[i].first == key && same(members[i].second, member)
                                           && same(read[key], member);
    if (!equal)
      return false;
  }
  return true;
}

} // namespace

TEST_CASE("only whole JSON texts are read") {
  for (std::string_view text :
       {"{}", "[]", " [1] ", "\"a\"", "1", "-0.5e-3", "true", "null", R"({"a":[{"b":null}]})"}) {
    CAPTURE(text);
    CHECK(is_json(text));
  }
  for (std::string_view text :
       {"",        " ",           "{",     "}",    "[1,]", "{\"a\":1,}", "{a:1}",
        "{'a':1}", "{\"a\" 1}",   "[1 2]", "01",   "1.",   ".5",         "+1",
        "NaN",     "Infinity",    "nul",   "True", "\"",   "\"a",        "\"\n\"",
        "\"\\x\"", "\"\\ud800\"", "{} {}", "{}x",  "[1]]", "/* c */ 1",  "\xEF\xBB\xBF",
        "1e400"}) {
    CAPTURE(text);
    CHECK_FALSE(is_json(text));
    CHECK_FALSE(json_document(text).root());
    CHECK_FALSE(json_document(text).root()["a"]);
  }
}

TEST_CASE("strings that are no UTF-8 make a text no JSON") {
  for (std::string_view bad :
       {"\x80", "\xC0\x80", "\xE4\xB8", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    CHECK_FALSE(is_json("\"" + std::string(bad) + "\""));
    CHECK_FALSE(is_json("{\"" + std::string(bad) + "\":1}"));
  }
}

TEST_CASE("a text nested deeper than 64 is refused, however deep it is") {
  CHECK(is_json(nested(64, '[', ']')));
  CHECK_FALSE(is_json(nested(65, '[', ']')));
  CHECK_FALSE(is_json(nested(1 << 20, '[', ']')));
  CHECK_FALSE(is_json(std::string(1 << 20, '[')));
  std::string objects;
  for (int i = 0; i < 100'000; ++i)
    objects += "{\"a\":";
  CHECK_FALSE(is_json(objects));
}

TEST_CASE("a value that is not there is nothing, and asking it goes on giving nothing") {
  json_value nothing;
  CHECK_FALSE(nothing);
  CHECK_FALSE(nothing.is_object());
  CHECK_FALSE(nothing.is_array());
  CHECK_FALSE(nothing.is_null());
  CHECK_FALSE(nothing.string());
  CHECK_FALSE(nothing.number());
  CHECK_FALSE(nothing.boolean());
  CHECK_FALSE(nothing.scalar_text());
  CHECK_FALSE(nothing["a"]["b"]);
  CHECK(nothing.members().empty());
  CHECK(nothing.elements().empty());
  CHECK(nothing.size() == 0);
  json_document document(R"({"a":{"b":1},"n":null,"s":"x","l":[1,2]})");
  auto root = document.root();
  CHECK_FALSE(root["b"]);
  CHECK_FALSE(root["a"]["c"]);
  CHECK_FALSE(root["s"]["c"]);
  CHECK_FALSE(root["l"]["0"]);
  CHECK(root["n"]);
  CHECK(root["n"].is_null());
  CHECK(root["a"]["b"].number() == 1.0);
  CHECK(root["l"].elements().size() == 2);
  CHECK(root["l"].members().empty());
  CHECK(root["a"].elements().empty());
  CHECK(root.size() == 4);
  CHECK(root["l"].size() == 2);
  CHECK(root["s"].size() == 0);
  CHECK(root["n"].size() == 0);
}

TEST_CASE("scalars as text are what Jackson puts into a String field") {
  json_document document(
    R"({"s":"a\"b","i":7,"n":-7,"u":18446744073709551615,"d":1.5,"t":true,"f":false,"o":{},)"
    R"("l":[],"z":null,"e":""})");
  auto root = document.root();
  CHECK(root["s"].scalar_text() == "a\"b");
  CHECK(root["i"].scalar_text() == "7");
  CHECK(root["n"].scalar_text() == "-7");
  CHECK(root["u"].scalar_text() == "18446744073709551615");
  CHECK(root["d"].scalar_text() == "1.5");
  CHECK(root["t"].scalar_text() == "true");
  CHECK(root["f"].scalar_text() == "false");
  CHECK(root["e"].scalar_text() == "");
  for (auto key : {"o", "l", "z", "missing"})
    CHECK_FALSE(root[key].scalar_text());
}

TEST_CASE("numbers are told apart from their texts") {
  json_document document(R"({"a":"1","b":1,"c":"true","d":true})");
  auto root = document.root();
  CHECK_FALSE(root["a"].number());
  CHECK_FALSE(root["b"].string());
  CHECK_FALSE(root["c"].boolean());
  CHECK_FALSE(root["d"].number());
  CHECK(root["a"].string() == "1");
  CHECK(root["b"].number() == 1.0);
  CHECK(root["d"].boolean() == true);
}

TEST_CASE("documents read one inside the other do not disturb each other") {
  json_document outer(R"({"a":"{\"b\":[1,2,3]}","c":"tail"})");
  auto text = outer.root()["a"].string();
  REQUIRE(text);
  json_document inner(*text);
  CHECK(inner.root()["b"].elements().size() == 3);
  json_document broken("{");
  CHECK_FALSE(broken.root());
  CHECK(outer.root()["c"].string() == "tail");
  CHECK(inner.root()["b"].elements()[2].number() == 3.0);
}

TEST_CASE("a small text after a huge one is read as well") {
  std::string huge = "[";
  for (int i = 0; i < 200'000; ++i)
    huge += "\"x\",";
  huge += "0]";
  CHECK(json_document(huge).root().elements().size() == 200'001);
  CHECK(json_document(R"({"a":1})").root()["a"].number() == 1.0);
  CHECK(json_document(huge).root().elements().size() == 200'001);
}

TEST_CASE("strings are escaped where JSON asks for it and nowhere else") {
  CHECK(written("") == R"("")");
  CHECK(written("a/b<>&'中😀") == R"("a/b<>&'中😀")");
  CHECK(written("\"\\\b\f\n\r\t") == R"("\"\\\b\f\n\r\t")");
  CHECK(written(std::string_view("\0\x1f\x7f", 3)) == "\"\\u0000\\u001F\x7f\"");
  CHECK(written(std::string_view()) == R"("")");
}

TEST_CASE("numbers are written as Jackson does, without loss") {
  constexpr auto inf = std::numeric_limits<double>::infinity();
  CHECK(written(1.0) == "1.0");
  CHECK(written(0.0) == "0.0");
  CHECK(written(2.5) == "2.5");
  CHECK(written(0.1) == "0.1");
  CHECK(written(10000.0) == "10000.0");
  CHECK(written(-3.0) == "-3.0");
  CHECK(written(std::nan("")) == R"("NaN")");
  CHECK(written(inf) == R"("Infinity")");
  CHECK(written(-inf) == R"("-Infinity")");
  json_writer out;
  out.begin_array()
    .integer(std::numeric_limits<std::int64_t>::max())
    .integer(std::numeric_limits<std::int64_t>::min())
    .boolean(true)
    .boolean(false)
    .null()
    .raw(R"({"x":1})")
    .end_array();
  CHECK(out.view() == R"([9223372036854775807,-9223372036854775808,true,false,null,{"x":1}])");
  CHECK(out.size() == out.view().size());
}

TEST_CASE("fields keep their type, whatever the C++ type is") {
  json_writer out;
  out.begin_object()
    .field("view", std::string_view("v"))
    .field("string", std::string("s"))
    .field("literal", "l")
    .field("yes", true)
    .field("double", 1.0)
    .field("u16", std::uint16_t{65535})
    .field("u32", std::uint32_t{4294967295})
    .field("i64", std::int64_t{-1})
    .field("size", std::size_t{7})
    .null_field("none")
    .end_object();
  CHECK(out.take()
        == R"({"view":"v","string":"s","literal":"l","yes":true,"double":1.0,"u16":65535,)"
           R"("u32":4294967295,"i64":-1,"size":7,"none":null})");
}

TEST_CASE("what the writer writes the reader reads back the same") {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    std::minstd_rand rng(seed);
    auto x = random_tree(rng, 5);
    json_writer out;
    put(out, x);
    json_document document(out.view());
    CAPTURE(seed);
    CAPTURE(out.view());
    REQUIRE(document.error() == "");
    REQUIRE(same(document.root(), x));
  }
}

TEST_CASE("texts with a byte changed are read or refused, never half read") {
  const std::string text =
    R"({"ip":"10.0.0.1","port":8080,"metadata":{"k":"中"},"l":[1,2.5,true]})";
  for (unsigned seed = 1; seed <= 5000; ++seed) {
    std::minstd_rand rng(seed);
    auto broken = text;
    for (auto n = 1 + rng() % 2; n > 0; --n)
      broken[rng() % broken.size()] = static_cast<char>(rng());
    if (rng() % 4 == 0)
      broken.resize(rng() % broken.size());
    json_document document(broken);
    CHECK(document.error().empty() == static_cast<bool>(document.root()));
    for (auto [key, value] : document.root().members())
      value.scalar_text();
  }
}

TEST_CASE("a host is written as the real server does (api.naming.pojo.Instance, recorded)") {
  const service_key_view service{"public", "DEFAULT_GROUP", "udp-acked"};
  instance x;
  x.ip = "10.2.0.1";
  x.port = 80;
  x.generator = id_generator::simple;
  auto host = [&](bool shown_healthy) {
    json_writer out;
    write_host(out, service, x, shown_healthy);
    return out.take();
  };
  CHECK(host(true)
        == R"({"instanceId":"10.2.0.1#80#DEFAULT#DEFAULT_GROUP@@udp-acked","ip":"10.2.0.1",)"
           R"("port":80,"weight":1.0,"healthy":true,"enabled":true,"ephemeral":true,)"
           R"("clusterName":"DEFAULT","serviceName":"DEFAULT_GROUP@@udp-acked","metadata":{},)"
           R"("instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,)"
           R"("ipDeleteTimeout":30000,"instanceIdGenerator":"simple"})");
  // With metadata but without the key the generator is left out; protection shows its own health.
  x.metadata = {{"k", "v"}};
  x.healthy = true;
  CHECK(host(false)
        == R"({"instanceId":"10.2.0.1#80#DEFAULT#DEFAULT_GROUP@@udp-acked","ip":"10.2.0.1",)"
           R"("port":80,"weight":1.0,"healthy":false,"enabled":true,"ephemeral":true,)"
           R"("clusterName":"DEFAULT","serviceName":"DEFAULT_GROUP@@udp-acked",)"
           R"("metadata":{"k":"v"},"instanceHeartBeatInterval":5000,)"
           R"("instanceHeartBeatTimeOut":15000,"ipDeleteTimeout":30000})");
  // No id on v2 and v3; terms and generator from the metadata; NaN is a string, as recorded.
  x = instance{};
  x.ip = "::1";
  x.port = 65535;
  x.weight = std::nan("");
  x.enabled = false;
  x.ephemeral = false;
  x.metadata = {{"preserved.heart.beat.interval", "1000"},
                {"preserved.heart.beat.timeout", "3000"},
                {"preserved.instance.id.generator", "simple"},
                {"preserved.ip.delete.timeout", "6000"}};
  CHECK(host(true)
        == R"({"ip":"::1","port":65535,"weight":"NaN","healthy":true,"enabled":false,)"
           R"("ephemeral":false,"clusterName":"DEFAULT",)"
           R"("serviceName":"DEFAULT_GROUP@@udp-acked","metadata":{)"
           R"("preserved.heart.beat.interval":"1000","preserved.heart.beat.timeout":"3000",)"
           R"("preserved.instance.id.generator":"simple","preserved.ip.delete.timeout":"6000"},)"
           R"("instanceHeartBeatInterval":1000,"instanceHeartBeatTimeOut":3000,)"
           R"("ipDeleteTimeout":6000,"instanceIdGenerator":"simple"})");
}

TEST_CASE("selectors and checkers are written as recorded") {
  auto text_of = [](const auto& x) {
    json_writer out;
    write(out, x);
    return out.take();
  };
  CHECK(text_of(selector{}) == R"({"type":"none","contextType":"NONE"})");
  selector label;
  label.type = selector::kind::label;
  label.expression = "CONSUMER.label.A = PROVIDER.label.A";
  label.labels = {"A"};
  CHECK(text_of(label)
        == R"({"type":"label","labels":["A"],"expression":"CONSUMER.label.A = PROVIDER.label.A",)"
           R"("contextType":"CMDB"})");
  health_checker checker;
  CHECK(text_of(checker) == R"({"type":"TCP"})");
  checker.type = health_checker::kind::none;
  CHECK(text_of(checker) == R"({"type":"NONE"})");
  checker.type = health_checker::kind::http;
  checker.path = "/h";
  CHECK(text_of(checker)
        == R"({"type":"HTTP","path":"/h","headers":"","expectedResponseCode":200})");
  checker.type = health_checker::kind::mysql;
  checker.user = "u";
  checker.command = "show \"x\"";
  CHECK(text_of(checker) == R"({"type":"MYSQL","user":"u","pwd":"","cmd":"show \"x\""})");
  checker.password = "secret";
  CHECK(text_of(checker).find("secret") == std::string::npos);
  CHECK(text_of(checker).find(R"("pwd":"******")") != std::string::npos);
  CHECK(text_of(metadata_map{{"a", "1"}, {"b", ""}}) == R"({"a":"1","b":""})");
}
