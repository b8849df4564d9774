#include "protocol/naming_rules.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <regex>
#include <string>

using namespace nacre;

namespace {

constexpr auto illegal = "illegal characters should not appear in the param.";

std::string too_long(std::size_t max) {
  return "the param length should not exceed " + std::to_string(max) + ".";
}

/// The complaint about one parameter, `ok` if there is none.
std::string verdict(std::string_view checked_names::*field, std::string_view value) {
  checked_names names;
  names.*field = value;
  return check_names(names).value_or("ok");
}

std::string repeated(std::size_t n, std::string_view text) {
  std::string result;
  for (; n > 0; --n)
    result += text;
  return result;
}

struct field_row {
  std::string_view checked_names::*field;
  std::string_view shown_as;
  std::size_t length_max;
  /// Full match.
  const wchar_t* regex;
};

const field_row fields[] = {
  {&checked_names::namespace_id, "namespaceId/tenant", 64, L"^[\\w-]+"},
  {&checked_names::namespace_show_name, "namespaceShowName", 256, L"^[^@#$%^&*]+$"},
  {&checked_names::service_name, "serviceName", 512, L"^(?!@).((?!@@)[^\u4E00-\u9FA5\\s])*$"},
  {&checked_names::group, "group", 128, L"^[a-zA-Z0-9\\-_:\\.]*$"},
  {&checked_names::cluster, "cluster", 64, L"^[0-9a-zA-Z\\-_]+$"},
  {&checked_names::ip, "ip", 128, L"^[^\u4E00-\u9FA5\\s]*$"},
};

std::string complaint_of(const field_row& x, std::string_view text) {
  return "Param '" + std::string(x.shown_as) + "' is illegal, " + std::string(text);
}

} // namespace

TEST_CASE("blank parameters pass the param check (Nacos ParamCheckRule)") {
  CHECK_FALSE(check_names({}));
  for (auto& x : fields)
    for (std::string_view blank : {"", " ", "\t\r\n"}) {
      CAPTURE(x.shown_as);
      CHECK(verdict(x.field, blank) == "ok");
    }
  CHECK(verdict(&checked_names::port, "  ") == "ok");
  CHECK(verdict(&checked_names::clusters, ",, ,") == "ok");
}

TEST_CASE("lengths are checked at the last character that fits (Nacos DefaultParamChecker)") {
  for (auto& x : fields) {
    CAPTURE(x.shown_as);
    std::string text(x.length_max, 'a');
    CHECK(verdict(x.field, text) == "ok");
    text += 'a';
    CHECK(verdict(x.field, text) == complaint_of(x, too_long(x.length_max)));
    // The length comes before the characters.
    CHECK(verdict(x.field, text + "@") == complaint_of(x, too_long(x.length_max)));
    CHECK(verdict(x.field, std::string(1 << 20, 'a')) == complaint_of(x, too_long(x.length_max)));
  }
}

TEST_CASE("lengths count UTF-16 units, not bytes (Java String.length)") {
  auto name = &checked_names::namespace_show_name;
  CHECK(verdict(name, repeated(256, "中")) == "ok");
  CHECK(verdict(name, repeated(257, "中")) == complaint_of(fields[1], too_long(256)));
  CHECK(verdict(name, repeated(128, "😀")) == "ok");
  CHECK(verdict(name, repeated(128, "😀") + "a") == complaint_of(fields[1], too_long(256)));
  CHECK(verdict(&checked_names::service_name, repeated(512, "é")) == "ok");
  CHECK(verdict(&checked_names::service_name, repeated(513, "é"))
        == complaint_of(fields[2], too_long(512)));
}

TEST_CASE("characters are those of the regular expressions in ParamCheckRule") {
  struct row {
    std::string_view checked_names::*field;
    std::string_view value;
    bool passes;
  };
  const row rows[] = {
    {&checked_names::namespace_id, "aZ0_-9", true},
    {&checked_names::namespace_id, "6a6d8f2b-7a33-4a0a-9b0f-0a1b2c3d4e5f", true},
    {&checked_names::namespace_id, "a.b", false},
    {&checked_names::namespace_id, "a b", false},
    {&checked_names::namespace_id, "é", false},
    {&checked_names::namespace_id, " a", false},
    {&checked_names::namespace_show_name, "name with blanks 中文 😀 <>", true},
    {&checked_names::namespace_show_name, "a@b", false},
    {&checked_names::namespace_show_name, "a*", false},
    {&checked_names::namespace_show_name, "^", false},
    {&checked_names::service_name, "a:b.c-d_e", true},
    {&checked_names::service_name, "com.foo.Bar/1.0?x=#&", true},
    {&checked_names::service_name, "providers:a:1.0:", true},
    {&checked_names::service_name, "a@b@c", true},
    {&checked_names::service_name, "a@", true},
    {&checked_names::service_name, "é😀", true},
    {&checked_names::service_name, "中a", true}, // recorded: only the first may be
    {&checked_names::service_name, "中文", false},
    {&checked_names::service_name, "a中", false},
    {&checked_names::service_name, "\u4DFFa\u9FA6", true},
    {&checked_names::service_name, "a\u4E00", false},
    {&checked_names::service_name, "a\u9FA5", false},
    {&checked_names::service_name, "bad name", false},
    {&checked_names::service_name, " name", true},
    {&checked_names::service_name, "name ", false},
    {&checked_names::service_name, "@a", false},
    {&checked_names::service_name, "@", false},
    {&checked_names::service_name, "a@@b", false},
    {&checked_names::service_name, "a@@", false},
    {&checked_names::service_name, "中@@", false},
    {&checked_names::service_name, "\na", false},
    {&checked_names::service_name, "\ta", true},
    {&checked_names::service_name, "a\v", false},
    {&checked_names::group, "a:b.c-d_e09Z", true},
    {&checked_names::group, "a@@b", false},
    {&checked_names::group, "a/b", false},
    {&checked_names::group, "中", false},
    {&checked_names::cluster, "ok-1_2", true},
    {&checked_names::cluster, "a b", false},
    {&checked_names::cluster, "c/1", false},
    {&checked_names::cluster, "c1,c2", false},
    {&checked_names::cluster, "a.b", false},
    {&checked_names::ip, "10.0.0.1", true},
    {&checked_names::ip, "host.name", true},
    {&checked_names::ip, "::1%eth0", true},
    {&checked_names::ip, "é", true},
    {&checked_names::ip, " 1.1.1.1 ", false},
    {&checked_names::ip, "中", false},
  };
  for (auto& x : rows) {
    CAPTURE(x.value);
    auto text = verdict(x.field, x.value);
    if (x.passes)
      CHECK(text == "ok");
    else
      CHECK(text.ends_with(illegal));
  }
  CHECK(verdict(&checked_names::namespace_id, "a b")
        == "Param 'namespaceId/tenant' is illegal, illegal characters should not appear in the "
           "param.");
}

TEST_CASE("names pass exactly if the regular expressions of ParamCheckRule match them") {
  constexpr std::u32string_view alphabet = U"azAZ09-_:.@@@ \t#$%^&*/,\u4DFF\u4E00\u9FA5\u9FA6é😀";
  for (auto& x : fields) {
    const std::wregex expression(x.regex);
    std::size_t passed = 0;
    for (unsigned seed = 1; seed <= 1500; ++seed) {
      std::minstd_rand rng(seed);
      std::wstring wide;
      // Half of the texts are taken from few characters, so that many of them pass.
      auto kinds = rng() % 2 ? alphabet.size() : 11;
      for (auto n = 1 + rng() % 7; n > 0; --n)
        wide.push_back(static_cast<wchar_t>(alphabet[rng() % kinds]));
      std::string text;
      bool blank = true;
      for (auto code : wide) {
        auto c = static_cast<char32_t>(code);
        blank = blank && (c == ' ' || c == '\t');
        if (c < 0x80)
          text += static_cast<char>(c);
        else if (c < 0x800)
          text += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
        else if (c < 0x10000)
          text += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
                   static_cast<char>(0x80 | (c & 63))};
        else
          text += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
                   static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
      }
      bool passes = blank || std::regex_match(wide, expression);
      passed += passes ? 1 : 0;
      CAPTURE(x.shown_as);
      CAPTURE(text);
      CHECK((verdict(x.field, text) == "ok") == passes);
    }
    CHECK(passed > 200); // else the comparison says little
    CHECK(passed < 1450);
  }
}

TEST_CASE("a port is a whole number from 0 to 65535, not trimmed") {
  for (std::string_view text : {"0", "80", "65535", "+80", "-0", "00080"}) {
    CAPTURE(text);
    CHECK(verdict(&checked_names::port, text) == "ok");
  }
  for (std::string_view text : {"-1", "65536", "70000", "abc", "80.0", " 80 ", "80 ", "0x50",
                                "8080;", "+-80", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(verdict(&checked_names::port, text)
          == "Param 'port' is illegal, the value should be between 0 and 65535.");
  }
}

TEST_CASE("each of several clusters is checked like one") {
  CHECK(verdict(&checked_names::clusters, "c0,c-1,c_2") == "ok");
  CHECK(verdict(&checked_names::clusters, "c1,") == "ok");
  CHECK(verdict(&checked_names::clusters, repeated(1000, "cluster,")) == "ok");
  CHECK(verdict(&checked_names::clusters, "c1, c2") == complaint_of(fields[4], illegal));
  CHECK(verdict(&checked_names::clusters, "c1,a.b,c2") == complaint_of(fields[4], illegal));
  CHECK(verdict(&checked_names::clusters, "c1," + std::string(65, 'a'))
        == complaint_of(fields[4], too_long(64)));
}

TEST_CASE("the first of several bad names is told") {
  checked_names names;
  names.port = "x";
  CHECK(check_names(names).value_or("").starts_with("Param 'port'"));
  names.ip = "1 1";
  CHECK(check_names(names).value_or("").starts_with("Param 'ip'"));
  names.group = "a/b";
  CHECK(check_names(names).value_or("").starts_with("Param 'group'"));
  names.service_name = "a b";
  CHECK(check_names(names).value_or("").starts_with("Param 'serviceName'"));
  names.namespace_id = "a b";
  CHECK(check_names(names).value_or("").starts_with("Param 'namespaceId/tenant'"));
}

TEST_CASE("metadata may have 1024 characters of keys and values together") {
  const auto text = "Param 'Metadata' is illegal, the param length should not exceed 1024.";
  CHECK_FALSE(check_metadata_length({}, 0));
  CHECK_FALSE(check_metadata_length({{"k", std::string(1023, 'v')}}, 1024));
  CHECK(check_metadata_length({{"k", std::string(1024, 'v')}}, 1024) == text);
  CHECK(check_metadata_length({{"a", std::string(512, 'v')}, {"b", std::string(511, 'v')}}, 1024)
        == text);
  CHECK_FALSE(check_metadata_length({{"", repeated(1024, "中")}}, 1024));
  CHECK(check_metadata_length({{"", repeated(512, "😀") + "a"}}, 1024) == text);
  CHECK(check_metadata_length({{"k", "v"}}, 1)
        == "Param 'Metadata' is illegal, the param length should not exceed 1.");
}

TEST_CASE("an instance's cluster has no underscore (Nacos NamingUtils.checkInstanceIsLegal)") {
  instance x;
  CHECK_FALSE(check_instance(x));
  for (auto cluster : {"a", "0-9-az-AZ", "-", ""}) {
    x.cluster_name = cluster;
    CHECK_FALSE(check_instance(x));
  }
  x.cluster_name = "ok-1_2"; // the recorded text
  CHECK(check_instance(x)
        == "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: ok-1_2)");
  for (auto cluster : {"a b", "a.b", "é", "a,b"}) {
    x.cluster_name = cluster;
    CHECK(check_instance(x)
          == "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: "
               + x.cluster_name + ")");
  }
}

TEST_CASE("timeouts are no shorter than the beat interval (NamingUtils.checkInstanceIsLegal)") {
  const auto text = "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip "
                    "delete timeout'.";
  struct row {
    const char *interval, *timeout, *removal;
    bool legal;
  };
  const row rows[] = {
    {"1000", "3000", "6000", true},  {"5000", "5000", "5000", true},
    {"5000", "4999", "5000", false}, {"5000", "5000", "4999", false},
    {"15001", "", "", false}, // against the defaults 15000 and 30000
    {"15000", "", "", true},         {"", "4999", "", false},
    {"", "5000", "5000", true},      {"0", "0", "0", true},
    {"abc", "4999", "", false},      {"99999999999999999999", "", "", false},
  };
  for (auto& x : rows) {
    instance one;
    metadata_map metadata;
    auto put = [&](std::string_view key, std::string_view value) {
      if (!value.empty())
        set_metadata(metadata, key, value);
    };
    put("preserved.heart.beat.interval", x.interval);
    put("preserved.heart.beat.timeout", x.timeout);
    put("preserved.ip.delete.timeout", x.removal);
    one.metadata = metadata;
    CAPTURE(x.interval);
    CAPTURE(x.timeout);
    CAPTURE(x.removal);
    CHECK(check_instance(one).value_or("legal") == (x.legal ? "legal" : text));
  }
}

TEST_CASE("weights are from 0 to 10000, and NaN passes as recorded") {
  constexpr auto inf = std::numeric_limits<double>::infinity();
  for (auto weight : {0.0, -0.0, 1.0, 0.001, 10000.0, std::nan("")}) {
    CAPTURE(weight);
    CHECK_FALSE(check_weight(weight));
  }
  for (auto weight : {-0.0001, -3.0, std::nextafter(10000.0, inf), inf, -inf}) {
    CAPTURE(weight);
    CHECK(check_weight(weight) == "instance format invalid: The weights range from 0.0 to 10000.0");
  }
}

TEST_CASE("grouped names are cut at the first @@, a third part is lost (Nacos NamingUtils)") {
  struct row {
    std::string_view text, group, name;
  };
  const row rows[] = {
    {"a", "DEFAULT_GROUP", "a"},
    {"g@@s", "g", "s"},
    {"g@s@t", "DEFAULT_GROUP", "g@s@t"},
    {"g@@s@@t", "g", "s"},
    {"g@@s@t", "g", "s@t"},
    {"g@@@s", "g", "@s"},
    {"@@s", "", "s"},
    {"g@@", "g", ""},
    {"", "DEFAULT_GROUP", ""},
  };
  for (auto& x : rows) {
    CAPTURE(x.text);
    auto parts = split_grouped_name(x.text);
    CHECK(parts.group == x.group);
    CHECK(parts.name == x.name);
  }
}

TEST_CASE("grouped names have both parts (Nacos NamingUtils.checkServiceNameFormat)") {
  const auto format =
    "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'";
  const auto no_group = "Param 'serviceName' is illegal, groupName can't be empty";
  for (std::string_view text : {"g@@s", "g@@s@@t", "g@@ ", "中@@s", "g@@@"}) {
    CAPTURE(text);
    CHECK_FALSE(check_grouped_name(text));
  }
  // Java's split drops empty parts at the end, so `g@@@@` has one part only.
  for (std::string_view text : {"", " ", "s", "g@s", "g@@", "@@", "g@@@@", "@@@@", "g@@@@@@"}) {
    CAPTURE(text);
    CHECK(check_grouped_name(text) == format);
  }
  for (std::string_view text : {"@@s", "@@s@@t", "@@@@s"}) {
    CAPTURE(text);
    CHECK(check_grouped_name(text) == no_group);
  }
}
