#include "protocol/text.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace nacre;
using namespace std::string_view_literals;

namespace {

void append_utf8(std::string& text, char32_t code) {
  auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

/// A character of any length in UTF-8, never a surrogate.
char32_t random_code(std::minstd_rand& rng) {
  constexpr char32_t ends[] = {0x80, 0x800, 0x10000, 0x110000};
  char32_t code = rng() % ends[rng() % 4];
  return code >= 0xD800 && code < 0xE000 ? U'中' : code;
}

/// Whether the text is UTF-8, found by decoding and encoding again: shares nothing with the code.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    std::size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    if (i + size > text.size() || (size == 4 && lead >> 3 != 30))
      return false;
    char32_t code = size == 1 ? lead : lead & (0xFFu >> (size + 1));
    for (std::size_t k = 1; k < size; ++k)
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 63u);
    std::string again;
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
      return false;
    append_utf8(again, code);
    if (again != text.substr(i, size))
      return false;
    i += size;
  }
  return true;
}

} // namespace

TEST_CASE("trimming takes ASCII blanks off both ends and nothing else") {
  CHECK(trim("") == "");
  CHECK(trim(" ") == "");
  CHECK(trim(" \t\r\n\v\fa b\f\v\n\r\t ") == "a b");
  CHECK(trim("a") == "a");
  CHECK(trim("\xC2\xA0 x") == "\xC2\xA0 x"); // a no-break space is no blank in Java either
  CHECK(is_blank(""));
  CHECK(is_blank(" \t\n\v\f\r"));
  CHECK_FALSE(is_blank("\0"sv.substr(0, 1)));
  CHECK_FALSE(is_blank(" . "));
}

TEST_CASE("case is ignored for ASCII letters only") {
  CHECK(equals_ignore_case("", ""));
  CHECK(equals_ignore_case("TruE", "tRUe"));
  CHECK_FALSE(equals_ignore_case("true", "true "));
  CHECK_FALSE(equals_ignore_case("@[`{", "`{@["));
  CHECK_FALSE(equals_ignore_case("É", "é"));
  CHECK(starts_with_ignore_case("Multipart/Form-Data; x", "multipart/form-data"));
  CHECK(starts_with_ignore_case("a", ""));
  CHECK_FALSE(starts_with_ignore_case("mult", "multipart"));
}

TEST_CASE("splitting keeps every part between separators, an empty text has none") {
  using parts = std::vector<std::string_view>;
  CHECK(split("", ',') == parts{});
  CHECK(split("a", ',') == parts{"a"});
  CHECK(split(",", ',') == parts{"", ""});
  CHECK(split("a,,b,", ',') == parts{"a", "", "b", ""});
  CHECK(split(std::string(1000, ','), ',').size() == 1001);
}

TEST_CASE("an address is cut at its last colon, and has a port that is one") {
  struct row {
    std::string_view text;
    std::string_view host;
    int port;
  };
  for (auto& x : {row{"10.0.0.1:8848", "10.0.0.1", 8848}, row{"[::1]:80", "[::1]", 80},
                  row{":0", "", 0}, row{"a:b:65535", "a:b", 65535}}) {
    auto found = split_host_port(x.text);
    REQUIRE(found);
    CHECK(found->host == x.host);
    CHECK(found->port == x.port);
  }
  for (auto bad : {"", "a", "a:", ":", "a:b", "a:-1", "a:65536", "a:80 ", "a:80/"})
    CHECK_MESSAGE(!split_host_port(bad), bad);
}

TEST_CASE("whole numbers are read as Integer.parseInt and Long.parseLong read them") {
  struct row {
    std::string_view text;
    std::optional<std::int32_t> value;
  };
  const row rows[] = {
    {"0", 0},
    {"-0", 0},
    {"+0", 0},
    {"000123", 123},
    {"+5", 5},
    {"-5", -5},
    {"2147483647", 2147483647},
    {"-2147483648", -2147483647 - 1},
    {"+2147483647", 2147483647},
    {"2147483648", {}},
    {"-2147483649", {}},
    {"99999999999999999999999", {}},
    {"", {}},
    {"+", {}},
    {"-", {}},
    {"+-5", {}},
    {"-+5", {}},
    {"--5", {}},
    {"++5", {}},
    {" 5", {}},
    {"5 ", {}},
    {"5.0", {}},
    {"5e0", {}},
    {"0x5", {}},
    {"1_000", {}},
    {"abc", {}},
    {"５a", {}},
  };
  for (auto& x : rows) {
    CAPTURE(x.text);
    CHECK(parse_int32(x.text) == x.value);
  }
  CHECK(parse_int64("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(parse_int64("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  CHECK_FALSE(parse_int64("9223372036854775808"));
  CHECK_FALSE(parse_int64("-9223372036854775809"));
  CHECK_FALSE(parse_int64("+-1"));
  CHECK(parse_int64("2147483648") == 2147483648);
  CHECK_FALSE(parse_int32(std::string_view("1\0", 2)));
}

TEST_CASE("floating point numbers are read as Double.parseDouble reads them") {
  constexpr auto inf = std::numeric_limits<double>::infinity();
  struct row {
    std::string text;
    std::optional<double> value;
  };
  const row rows[] = {
    {"1", 1.0},
    {"1.0", 1.0},
    {"1.", 1.0},
    {".5", 0.5},
    {"+.5e1", 5.0},
    {"-1e-3", -0.001},
    {"1E3", 1000.0},
    {" 2.5\t", 2.5},
    {"1d", 1.0},
    {"1F", 1.0},
    {"1.5e2D", 150.0},
    {"00.10", 0.1},
    {"Infinity", inf},
    {"-Infinity", -inf},
    {"+Infinity", inf},
    {"0", 0.0},
    {"1e308", 1e308},
    {"1e309", inf},
    {"-1e999999", -inf},
    {"1e-999999", 0.0},
    {"4.9e-324", 4.9e-324},
    {"2e-324", 0.0},
    // Far from any exponent the digits alone overflow, or are too small.
    {std::string(400, '9'), inf},
    {"0." + std::string(400, '0') + "1", 0.0},
    {"1" + std::string(400, '0') + "e-400", 1.0},
    {"1" + std::string(320, '0') + "e-5", inf},
    {"", {}},
    {" ", {}},
    {".", {}},
    {"+", {}},
    {"-", {}},
    {"e5", {}},
    {"1e", {}},
    {"1e+", {}},
    {"d", {}},
    {"1dd", {}},
    {"1df", {}},
    {"nan", {}},
    {"inf", {}},
    {"infinity", {}},
    {"NaNd", {}},
    {"+-1", {}},
    {"- 1", {}},
    {"1,5", {}},
    {"1 5", {}},
    {"--1", {}},
    {"abc", {}},
    {"1e5x", {}},
  };
  for (auto& x : rows) {
    CAPTURE(x.text);
    CHECK(parse_double(x.text) == x.value);
  }
  for (std::string_view text : {"NaN", "-NaN", " +NaN "}) {
    CAPTURE(text);
    auto value = parse_double(text);
    REQUIRE(value);
    CHECK(std::isnan(*value));
  }
  CHECK(std::signbit(*parse_double("-0")));
}

TEST_CASE("every double comes back from its decimal text") {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    std::mt19937_64 rng(seed);
    auto bits = rng();
    double value = 0;
    static_assert(sizeof value == sizeof bits);
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value))
      continue;
    char text[64];
    std::snprintf(text, sizeof text, "%.17g", value);
    CAPTURE(text);
    CHECK(parse_double(text) == value);
  }
}

TEST_CASE("flags are true by the words of ConvertUtils.toBoolean and false otherwise") {
  for (std::string_view text :
       {"true", "TRUE", "tRue", "on", "On", "yes", "YES", "t", "T", "y", "Y"}) {
    CAPTURE(text);
    CHECK(parse_lenient_bool(text));
  }
  for (std::string_view text :
       {"", " ", "1", " true", "true ", "false", "no", "off", "n", "f", "0", "tru"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_lenient_bool(text));
  }
}

TEST_CASE("form flags are what Spring's StringToBooleanConverter takes, the rest is no flag") {
  for (std::string_view text : {"true", "On", " yes ", "1", "TRUE"}) {
    CAPTURE(text);
    CHECK(parse_strict_bool(text) == true);
  }
  for (std::string_view text : {"false", "OFF", "no", "0\t"}) {
    CAPTURE(text);
    CHECK(parse_strict_bool(text) == false);
  }
  for (std::string_view text : {"", " ", "t", "y", "n", "f", "2", "00", "tru e", "none"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_strict_bool(text));
  }
}

TEST_CASE("lengths count UTF-16 units as String.length does") {
  CHECK(utf16_length("") == 0);
  CHECK(utf16_length("abc") == 3);
  CHECK(utf16_length("é") == 1);
  CHECK(utf16_length("中文") == 2);
  CHECK(utf16_length("😀") == 2);
  CHECK(utf16_length("a😀中é") == 5);
}

TEST_CASE("hashes are String.hashCode over UTF-16 units (DistroMapper)") {
  struct row {
    std::string_view tag;
    std::int32_t hash;
    std::int64_t of_3, of_4;
  };
  const row rows[] = {
    {"10.0.0.1:8080", -1643343804, 0, 0},
    {"192.168.1.100:9000", 1300776412, 1, 0},
    {"10.0.0.5:20880", -154543774, 1, 2},
    {"null:0", -1034385667, 1, 3},
    {"DEFAULT_GROUP@@nacos.test.3", -301437166, 1, 2},
  };
  for (auto& x : rows) {
    CAPTURE(x.tag);
    CHECK(java_hash(x.tag) == x.hash);
    auto h = std::abs(static_cast<std::int64_t>(java_hash(x.tag)) % 2147483647);
    CHECK(h % 3 == x.of_3);
    CHECK(h % 4 == x.of_4);
  }
  CHECK(java_hash("") == 0);
  CHECK(java_hash("a") == 97);
  CHECK(java_hash("Aa") == java_hash("BB"));
  CHECK(java_hash("polygenelubricants") == std::numeric_limits<std::int32_t>::min());
  CHECK(java_hash("中文") == 31 * 0x4E2D + 0x6587);
  CHECK(java_hash("😀") == 31 * 0xD83D + 0xDE00);
}

TEST_CASE("hash and length of any text agree with its UTF-16 units") {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    std::minstd_rand rng(seed);
    std::string text;
    std::uint32_t hash = 0;
    std::size_t units = 0;
    auto add = [&](std::uint32_t unit) {
      hash = 31 * hash + unit;
      ++units;
    };
    for (auto n = rng() % 40; n > 0; --n) {
      auto code = random_code(rng);
      append_utf8(text, code);
      if (code < 0x10000) {
        add(code);
      } else {
        add(0xD800 + ((code - 0x10000) >> 10));
        add(0xDC00 + ((code - 0x10000) & 0x3FF));
      }
    }
    CAPTURE(seed);
    CHECK(static_cast<std::uint32_t>(java_hash(text)) == hash);
    CHECK(utf16_length(text) == units);
  }
}

TEST_CASE("what is no UTF-8 is replaced by U+FFFD, the rest stays as it is") {
  const std::pair<std::string, std::string> rows[] = {
    {"", ""},
    {"plain", "plain"},
    {"é中😀", "é中😀"},
    {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},                 // U+10FFFF
    {"\xED\x9F\xBF\xEE\x80\x80", "\xED\x9F\xBF\xEE\x80\x80"}, // on both sides of the surrogates
    {"\xFF", "\xEF\xBF\xBD"},
    {"a\x80z", "a\xEF\xBF\xBDz"},
    {"\xC3", "\xEF\xBF\xBD"},
    {"\xC3z", "\xEF\xBF\xBDz"},
    {"é\xFF中", "é\xEF\xBF\xBD中"},
  };
  for (auto& [given, expected] : rows) {
    auto text = given;
    make_valid_utf8(text);
    CHECK(text == expected);
  }
  // Too long forms, surrogates, beyond Unicode, cut sequences: how many marks is left open.
  for (std::string_view bad :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE4\xB8", "\xF0\x9F\x98"}) {
    std::string text = "<" + std::string(bad) + ">";
    make_valid_utf8(text);
    CHECK(is_utf8(text));
    CHECK(text.front() == '<');
    CHECK(text.back() == '>');
    auto marks = text.substr(1, text.size() - 2);
    REQUIRE(!marks.empty());
    for (std::size_t i = 0; i < marks.size(); i += 3)
      CHECK(marks.substr(i, 3) == "\xEF\xBF\xBD");
  }
}

TEST_CASE("any bytes become UTF-8, and UTF-8 is left alone") {
  for (unsigned seed = 1; seed <= 5000; ++seed) {
    std::minstd_rand rng(seed);
    std::string good, mixed;
    for (auto n = rng() % 30; n > 0; --n) {
      append_utf8(good, random_code(rng));
      if (rng() % 2)
        append_utf8(mixed, random_code(rng));
      else
        mixed.push_back(static_cast<char>(rng()));
    }
    CAPTURE(seed);
    auto same = good;
    make_valid_utf8(same);
    CHECK(same == good);
    make_valid_utf8(mixed);
    CHECK(is_utf8(mixed));
  }
}

TEST_CASE("a shortened text ends at a character's end and says that it was cut") {
  CHECK(shortened("", 0) == "");
  CHECK(shortened("abc", 3) == "abc");
  CHECK(shortened("abcd", 3) == "abc…");
  CHECK(shortened("abc", 0) == "…");
  CHECK(shortened("中文", 5) == "中…");
  CHECK(shortened("中文", 6) == "中文");
  CHECK(shortened("😀", 3) == "…");
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::minstd_rand rng(seed);
    std::string text;
    for (auto n = rng() % 20; n > 0; --n)
      append_utf8(text, random_code(rng));
    auto bytes_max = rng() % 60;
    CAPTURE(seed);
    auto cut = shortened(text, bytes_max);
    if (text.size() <= bytes_max) {
      CHECK(cut == text);
      continue;
    }
    REQUIRE(cut.ends_with("…"));
    cut.resize(cut.size() - std::string_view("…").size());
    CHECK(cut.size() <= bytes_max);
    CHECK(cut.size() + 4 > bytes_max); // no more than one character is lost
    CHECK(text.starts_with(cut));
    CHECK(is_utf8(cut));
  }
}
