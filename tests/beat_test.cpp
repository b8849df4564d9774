#include "protocol/beat.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>

using namespace nacre;

namespace {

beat_info read(std::string_view json) {
  std::string reason;
  auto beat = parse_beat(json, reason);
  CAPTURE(json);
  CAPTURE(reason);
  REQUIRE(beat);
  return *beat;
}

std::string reason_against(std::string_view json) {
  std::string reason;
  CAPTURE(json);
  CHECK_FALSE(parse_beat(json, reason));
  return reason;
}

} // namespace

TEST_CASE("the beat of the Java client is read, what the server does not use is ignored") {
  auto beat = read(R"({"cluster":"c1","ip":"10.0.0.1","metadata":{"a":"1","b":"中"},"period":5000,)"
                   R"("port":8080,"scheduled":false,"serviceName":"G@@s","stopped":false,)"
                   R"("weight":2.5,"load":0.1,"cpu":{"x":[1]},"ak":null})");
  CHECK(beat.ip == "10.0.0.1");
  CHECK(beat.port == 8080);
  CHECK(beat.cluster == "c1");
  CHECK(beat.service_name == "G@@s");
  CHECK(beat.weight == 2.5);
  CHECK(beat.ephemeral);
  CHECK(beat.metadata == metadata_map{{"a", "1"}, {"b", "中"}});
}

TEST_CASE("a beat without fields has the defaults of RsInfo, but weight 1 (hyperf#5351)") {
  for (std::string_view json :
       {"{}", R"({"ip":null,"port":null,"cluster":null,"serviceName":null,"weight":null,)"
              R"("ephemeral":null,"metadata":null})"}) {
    auto beat = read(json);
    CHECK(beat.ip == "");
    CHECK(beat.port == 0);
    CHECK(beat.cluster == "");
    CHECK(beat.service_name == "");
    CHECK(beat.weight == 1.0);
    CHECK(beat.ephemeral);
    CHECK(beat.metadata.empty());
  }
}

TEST_CASE("numbers and flags may come as texts, texts as numbers (Jackson's coercion)") {
  auto beat = read(R"({"ip":1,"port":"8080","weight":"0.5","ephemeral":"false","cluster":7})");
  CHECK(beat.ip == "1");
  CHECK(beat.port == 8080);
  CHECK(beat.weight == 0.5);
  CHECK_FALSE(beat.ephemeral);
  CHECK(beat.cluster == "7");
  CHECK(read(R"({"weight":-5})").weight == -5.0); // recorded: no range check here
  CHECK(std::isnan(read(R"({"weight":"NaN"})").weight));
  CHECK(read(R"({"ephemeral":false})").ephemeral == false);
  CHECK(read(R"({"metadata":{"n":1,"t":true,"z":null}})").metadata
        == metadata_map{{"n", "1"}, {"t", "true"}});
  CHECK(read(R"({"port":-1})").port == -1);
  CHECK(read(R"({"port":70000})").port == 70000); // the port's check has its own answer
}

TEST_CASE("a beat that is no JSON object is refused with a reason") {
  CHECK(reason_against("null") == "it is no object");
  CHECK(reason_against("[]") == "it is no object");
  CHECK(reason_against("\"x\"") == "it is no object");
  CHECK(reason_against("8080") == "it is no object");
  for (std::string_view json : {"", " ", "{", "{bad", R"({"ip":"1")", R"({"ip":'1'})", "\xFF"})
    CHECK(reason_against(json) != "");
}

TEST_CASE("a field of the wrong type is named") {
  const std::pair<std::string_view, std::string_view> rows[] = {
    {R"({"ip":{}})", "wrong type of 'ip'"},
    {R"({"ip":["1"]})", "wrong type of 'ip'"},
    {R"({"port":"abc"})", "wrong type of 'port'"},
    {R"({"port":true})", "wrong type of 'port'"},
    {R"({"port":1e10})", "wrong type of 'port'"},
    {R"({"port":-1e300})", "wrong type of 'port'"},
    {R"({"port":"NaN"})", "wrong type of 'port'"},
    {R"({"port":"Infinity"})", "wrong type of 'port'"},
    {R"({"cluster":[]})", "wrong type of 'cluster'"},
    {R"({"serviceName":{}})", "wrong type of 'serviceName'"},
  };
  for (auto& [json, reason] : rows)
    CHECK(reason_against(json) == reason);
}

TEST_CASE("what only a registration needs does not keep a beat from renewing") {
  const std::pair<std::string_view, std::string_view> rows[] = {
    {R"({"weight":"heavy"})", "wrong type of 'weight'"},
    {R"({"weight":{}})", "wrong type of 'weight'"},
    {R"({"ephemeral":"maybe"})", "wrong type of 'ephemeral'"},
    {R"({"ephemeral":[]})", "wrong type of 'ephemeral'"},
    {R"({"metadata":"a=1"})", "wrong type of 'metadata'"},
    {R"({"metadata":[]})", "wrong type of 'metadata'"},
    {R"({"metadata":{"z":"1","a":{"b":1}}})", "wrong type of 'metadata'"},
    {R"({"metadata":{"a":[1]}})", "wrong type of 'metadata'"},
  };
  for (auto& [json, reason] : rows) {
    auto beat = read(json);
    CHECK(beat.unfit == "Param 'beat' is illegal: " + std::string(reason));
    CHECK(beat.metadata.empty());
  }
  CHECK(read(R"({"ephemeral":false})").unfit.starts_with("a persistent instance"));
  CHECK(read(R"({"ephemeral":true})").unfit.empty());
}

TEST_CASE("no bytes make the reader of beats fail") {
  const std::string text = R"({"ip":"10.0.0.1","port":"8080","weight":1.0,"metadata":{"k":"v"}})";
  std::size_t accepted = 0;
  for (unsigned seed = 1; seed <= 5000; ++seed) {
    std::minstd_rand rng(seed);
    auto broken = text;
    for (auto n = 1 + rng() % 3; n > 0; --n)
      broken[rng() % broken.size()] = static_cast<char>(rng());
    std::string reason;
    auto beat = parse_beat(broken, reason);
    CHECK(beat.has_value() == reason.empty());
    accepted += beat ? 1 : 0;
  }
  CHECK(accepted > 100); // a changed digit is still a beat
  CHECK(accepted < 4900);
}

TEST_CASE("the answer to a beat is the recorded one (Nacos InstanceController.beat)") {
  CHECK(beat_answer(5000, beat_ok, true)
        == R"({"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true})");
  CHECK(beat_answer(1000, beat_resource_not_found, false)
        == R"({"clientBeatInterval":1000,"code":20404,"lightBeatEnabled":false})");
  CHECK(beat_answer(4294967295, 0, true)
        == R"({"clientBeatInterval":4294967295,"code":0,"lightBeatEnabled":true})");
}
