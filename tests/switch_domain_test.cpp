#include "protocol/switch_domain.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace nacre;

namespace {

std::string json_of(const switch_domain& x) {
  json_writer out;
  write(out, x);
  return out.take();
}

/// Recorded on Nacos 2.5.1 (vectors v1/switches), in the field order of SwitchDomain.
constexpr std::string_view recorded_defaults =
  R"({"name":"00-00---000-NACOS_SWITCH_DOMAIN-000---00-00","masters":null,"adWeightMap":{},)"
  R"("defaultPushCacheMillis":10000,"clientBeatInterval":5000,"defaultCacheMillis":3000,)"
  R"("distroThreshold":0.7,"healthCheckEnabled":true,"autoChangeHealthCheckEnabled":true,)"
  R"("distroEnabled":true,"enableStandalone":true,"pushEnabled":true,"checkTimes":3,)"
  R"("httpHealthParams":{"max":5000,"min":500,"factor":0.85},)"
  R"("tcpHealthParams":{"max":5000,"min":1000,"factor":0.75},)"
  R"("mysqlHealthParams":{"max":3000,"min":2000,"factor":0.65},"incrementalList":[],)"
  R"("serverStatusSynchronizationPeriodMillis":2000,)"
  R"("serviceStatusSynchronizationPeriodMillis":5000,"disableAddIP":false,)"
  R"("sendBeatOnly":false,"lightBeatEnabled":true,"defaultInstanceEphemeral":true,)"
  R"("healthCheckWhiteList":[],"limitedUrlMap":{},"distroServerExpiredMillis":10000,)"
  R"("pushGoVersion":"0.1.0","pushJavaVersion":"0.1.0","pushPythonVersion":"0.4.3",)"
  R"("pushCVersion":"1.0.12","pushCSharpVersion":"0.9.0","enableAuthentication":false,)"
  R"("overriddenServerStatus":null,"checksum":null})";

struct set_row {
  std::string_view entry, value;
  /// What then stands in the JSON.
  std::string_view shown;
};

struct refused_row {
  std::string_view entry, value, text;
};

} // namespace

TEST_CASE("the switches of a fresh node are the recorded ones (Nacos SwitchDomain)") {
  CHECK(json_of({}) == recorded_defaults);
}

TEST_CASE("what has an effect in the reference and none here keeps its value, and says so") {
  const std::pair<std::string_view, std::string_view> rows[] = {
    {"distro", "false"},
  };
  for (auto& [entry, value] : rows) {
    switch_domain switches;
    CHECK(switches.set(entry, value).value_or("")
          == "the switch '" + std::string(entry)
               + "' has no effect in this version, so it keeps its value");
    CHECK(json_of(switches) == recorded_defaults);
  }
  switch_domain switches;
  CHECK_FALSE(switches.set("distro", "true"));
}

TEST_CASE("entries change their field and no other (Nacos SwitchManager)") {
  const set_row rows[] = {
    {"masters", "a,b", R"("masters":["a","b"])"},
    {"pushCacheMillis", "10000", R"("defaultPushCacheMillis":10000)"},
    {"pushCacheMillis", "9223372036854775807", R"("defaultPushCacheMillis":9223372036854775807)"},
    {"defaultCacheMillis", "1000", R"("defaultCacheMillis":1000)"},
    {"clientBeatInterval", "-1", R"("clientBeatInterval":-1)"},
    {"clientBeatInterval", "7000", R"("clientBeatInterval":7000)"},
    {"distroThreshold", "0.001", R"("distroThreshold":0.001)"},
    {"check", "false", R"("healthCheckEnabled":false)"},
    {"autoChangeHealthCheckEnabled", "false", R"("autoChangeHealthCheckEnabled":false)"},
    {"pushEnabled", "false", R"("pushEnabled":false)"},
    {"pushEnabled", "TRUE", R"("pushEnabled":true)"},
    {"pushEnabled", "yes", R"("pushEnabled":false)"}, // only `true` is true here
    {"pushEnabled", "", R"("pushEnabled":false)"},
    {"healthCheckTimes", "5", R"("checkTimes":5)"},
    {"httpHealthParams", R"({"max":6000,"min":600,"factor":0.5})",
     R"("httpHealthParams":{"max":6000,"min":600,"factor":0.5})"},
    {"tcpHealthParams", R"({"max":6000,"min":600,"factor":0.5})",
     R"("tcpHealthParams":{"max":6000,"min":600,"factor":0.5})"},
    {"mysqlHealthParams", R"({"max":1,"min":2,"factor":9})",
     R"("mysqlHealthParams":{"max":1,"min":2,"factor":9.0})"},
    {"healthCheckWhiteList", "g@@a,,g@@b", R"("healthCheckWhiteList":["g@@a","g@@b"])"},
    {"serverStatusSynchronizationPeriodMillis", "1000",
     R"("serverStatusSynchronizationPeriodMillis":1000)"},
    {"serviceStatusSynchronizationPeriodMillis", "5000",
     R"("serviceStatusSynchronizationPeriodMillis":5000)"},
    {"disableAddIP", "true", R"("disableAddIP":true)"},
    {"sendBeatOnly", "true", R"("sendBeatOnly":true)"},
    {"lightBeatEnabled", "false", R"("lightBeatEnabled":false)"},
    {"defaultInstanceEphemeral", "false", R"("defaultInstanceEphemeral":false)"},
    {"limitedUrlMap", "/nacos/v1/ns/a:503, /b : 429 ",
     R"("limitedUrlMap":{"/b":429,"/nacos/v1/ns/a":503})"},
    {"distroServerExpiredMillis", "0", R"("distroServerExpiredMillis":0)"},
    {"pushVersion", "java:1.2.3", R"("pushJavaVersion":"1.2.3")"},
    {"pushVersion", "python:0.0.0", R"("pushPythonVersion":"0.0.0")"},
    {"pushVersion", "c:10.20.30", R"("pushCVersion":"10.20.30")"},
    {"pushVersion", "go:1.0.0", R"("pushGoVersion":"1.0.0")"},
    {"pushVersion", "csharp:1.0.0", R"("pushCSharpVersion":"1.0.0")"},
    {"overriddenServerStatus", "STARTING", R"("overriddenServerStatus":"STARTING")"},
    {"overriddenServerStatus", "UP", R"("overriddenServerStatus":"UP")"},
    {"overriddenServerStatus", "DOWN", R"("overriddenServerStatus":"DOWN")"},
    {"overriddenServerStatus", "PAUSED", R"("overriddenServerStatus":"PAUSED")"},
    {"overriddenServerStatus", "WRITE_ONLY", R"("overriddenServerStatus":"WRITE_ONLY")"},
    {"overriddenServerStatus", "READ_ONLY", R"("overriddenServerStatus":"READ_ONLY")"},
    {"overriddenServerStatus", "null", R"("overriddenServerStatus":"")"}, // recorded: cleared
  };
  for (auto& x : rows) {
    CAPTURE(x.entry);
    CAPTURE(x.value);
    switch_domain switches;
    CHECK_FALSE(switches.set(x.entry, x.value));
    // The defaults with the one field replaced.
    std::string expected(recorded_defaults);
    auto name = x.shown.substr(0, x.shown.find(':') + 1);
    auto from = expected.find(name);
    REQUIRE(from != expected.npos);
    auto begins = expected.substr(from + name.size(), 1);
    auto until = begins == "{" ? expected.find('}', from) + 1 : expected.find(",\"", from);
    expected.replace(from, until - from, x.shown);
    CHECK(json_of(switches) == expected);
  }
}

TEST_CASE("unknown and unused entries are taken and change nothing, as recorded") {
  for (std::string_view entry : {"nosuch", "", "enableStandalone", "adWeightMap", "name",
                                 "PUSHENABLED", "defaultPushCacheMillis"}) {
    CAPTURE(entry);
    switch_domain switches;
    CHECK_FALSE(switches.set(entry, "false"));
    CHECK(json_of(switches) == recorded_defaults);
  }
  switch_domain switches;
  CHECK_FALSE(switches.set("limitedUrlMap", "")); // an empty value is ignored
  CHECK(json_of(switches) == recorded_defaults);
}

TEST_CASE("bad values are refused with the reference's text and change nothing") {
  const auto no_json = "json param invalid.";
  const auto http_min = "min check time for http or tcp is too small(<500)";
  const auto http_max = "max check time for http or tcp is too small(<3000)";
  const auto version = "illegal version, must match: [0-9]+\\.[0-9]+\\.[0-9]+";
  const auto urls = "invalid input for limited urls";
  const refused_row rows[] = {
    {"pushCacheMillis", "9999", "min cache time for http or tcp is too small(<10000)"},
    {"pushCacheMillis", "abc", "For input string: \"abc\""},
    {"pushCacheMillis", "", "For input string: \"\""},
    {"pushCacheMillis", "1e5", "For input string: \"1e5\""},
    {"defaultCacheMillis", "999", "min default cache time  is too small(<1000)"}, // two blanks
    {"clientBeatInterval", "9223372036854775808", "For input string: \"9223372036854775808\""},
    {"distroThreshold", "0", "distroThreshold can not be zero or negative: 0"},
    {"distroThreshold", "-0.5", "distroThreshold can not be zero or negative: -0.5"},
    {"distroThreshold", "NaN", "distroThreshold can not be zero or negative: NaN"},
    {"distroThreshold", "x", "For input string: \"x\""},
    {"healthCheckTimes", "2147483648", "For input string: \"2147483648\""},
    {"healthCheckTimes", "3.0", "For input string: \"3.0\""},
    {"httpHealthParams", "", no_json},
    {"httpHealthParams", "[]", no_json},
    {"httpHealthParams", R"({"max":5000,"min":500})", no_json},
    {"httpHealthParams", R"({"max":1e18,"min":500,"factor":0.5})", no_json},
    {"httpHealthParams", R"({"max":5000,"min":499,"factor":0.85})", http_min},
    {"httpHealthParams", R"({"max":2999,"min":500,"factor":0.85})", http_max},
    {"httpHealthParams", R"({"max":5000,"min":500,"factor":1.01})", "malformed factor"},
    {"tcpHealthParams", R"({"max":5000,"min":500,"factor":-0.01})", "malformed factor"},
    {"tcpHealthParams", R"({"max":2999,"min":499,"factor":2})", http_min},
    {"mysqlHealthParams", "{}", no_json},
    {"serverStatusSynchronizationPeriodMillis", "999",
     "serverStatusSynchronizationPeriodMillis is too small(<15000)"},
    {"serviceStatusSynchronizationPeriodMillis", "4999",
     "serviceStatusSynchronizationPeriodMillis is too small(<5000)"},
    {"limitedUrlMap", "/a", urls},
    {"limitedUrlMap", "/a:", urls},
    {"limitedUrlMap", ":503", urls},
    {"limitedUrlMap", "/a:503,,/b:503", urls},
    {"limitedUrlMap", "/a:503,/b", urls},
    {"limitedUrlMap", "/a:b:503", urls},
    {"limitedUrlMap", "/a:x", "For input string: \"x\""},
    {"limitedUrlMap", "/a:0", "illegal normal status code: 0"},
    {"limitedUrlMap", "/a:-1", "illegal normal status code: -1"},
    {"limitedUrlMap", "/a:200", "illegal normal status code: 200"}, // stricter: a refusal is none
    {"limitedUrlMap", "/a:600", "illegal normal status code: 600"},
    {"pushVersion", "java", version},
    {"pushVersion", "java:", version},
    {"pushVersion", "java:1.2", version},
    {"pushVersion", "java:1.2.3.4", version},
    {"pushVersion", "java:1.2.x", version},
    {"pushVersion", "java:v1.2.3", version},
    {"pushVersion", "rust:1.2.3", "unsupported client type: rust"},
    {"pushVersion", "Java:1.2.3", "unsupported client type: Java"},
    {"overriddenServerStatus", "up", "No enum constant ServerStatus.up"},
    {"overriddenServerStatus", "", "No enum constant ServerStatus."},
  };
  for (auto& x : rows) {
    CAPTURE(x.entry);
    CAPTURE(x.value);
    switch_domain switches;
    CHECK(switches.set(x.entry, x.value).value_or("nothing") == x.text);
    CHECK(json_of(switches) == recorded_defaults);
  }
}

TEST_CASE("limited URLs replace the former ones, and there are at most 1000") {
  switch_domain switches;
  CHECK_FALSE(switches.set("limitedUrlMap", "/a:503"));
  CHECK_FALSE(switches.set("limitedUrlMap", "/b:400,/c:599,/b:404"));
  CHECK(switches.limited_urls == std::map<std::string, int>{{"/b", 404}, {"/c", 599}});
  auto list = [](int n) {
    std::string text;
    for (int i = 0; i < n; ++i)
      text += (i ? ",/" : "/") + std::to_string(i) + ":503";
    return text;
  };
  CHECK_FALSE(switches.set("limitedUrlMap", list(1000)));
  CHECK(switches.limited_urls.size() == 1000);
  CHECK(switches.set("limitedUrlMap", list(1001)) == "invalid input for limited urls");
  CHECK(switches.limited_urls.size() == 1000);
}

TEST_CASE("a long bad value is told shortened, one beyond 64 KiB is not even looked at") {
  switch_domain switches;
  CHECK(switches.set("clientBeatInterval", std::string(64 * 1024, 'x'))
        == "For input string: \"" + std::string(64, 'x') + "…\"");
  CHECK_FALSE(switches.set("masters", std::string(64 * 1024, 'x')));
  for (std::string_view entry : {"masters", "clientBeatInterval", "limitedUrlMap", "nosuch"})
    CHECK(switches.set(entry, std::string(64 * 1024 + 1, 'x'))
          == "the value is longer than 65536 bytes");
  CHECK(switches.masters->front().size() == 64 * 1024);
  CHECK_FALSE(switches.set(std::string(64 * 1024, 'x'), "1")); // nobody knows it
  CHECK(switches.set(std::string(64 * 1024 + 1, 'x'), "1")
        == "the name of the switch is longer than 65536 bytes");
}
