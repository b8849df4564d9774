#include "http/server/parameters.hpp"

#include "protocol/text.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace nacre;
using namespace std::string_view_literals;

namespace {

std::string value_of(const parameters& params, std::string_view key) {
  return std::string(params.find(key).value_or("(none)"));
}

/// The value of `k` in `query`.
std::string decoded(std::string_view query) {
  parameters params;
  CHECK(params.add_urlencoded(query));
  return value_of(params, "k");
}

/// A form field as browsers and SDKs send it.
std::string part(std::string_view boundary, std::string_view disposition, std::string_view value) {
  return "--" + std::string(boundary) + "\r\nContent-Disposition: form-data; "
         + std::string(disposition) + "\r\n\r\n" + std::string(value) + "\r\n";
}

std::string form(std::initializer_list<std::pair<std::string, std::string>> fields) {
  std::string text;
  for (auto& [name, value] : fields)
    text += part("B", "name=\"" + name + "\"", value);
  return text + "--B--\r\n";
}

std::string encoded(std::string_view text, std::minstd_rand& rng) {
  std::string result;
  for (unsigned char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain && rng() % 4) {
      result += static_cast<char>(c);
    } else if (c == ' ' && rng() % 2) {
      result += '+';
    } else {
      const char* digits = rng() % 2 ? "0123456789ABCDEF" : "0123456789abcdef";
      result += {'%', digits[c >> 4], digits[c & 15]};
    }
  }
  return result;
}

} // namespace

TEST_CASE("values are decoded as a servlet container does") {
  CHECK(decoded("k=v") == "v");
  CHECK(decoded("k=") == "");
  CHECK(decoded("k") == "");
  CHECK(decoded("k=a+b%20c") == "a b c");
  CHECK(decoded("k=%2B%2b") == "++");
  CHECK(decoded("k=a=b=c") == "a=b=c");
  CHECK(decoded("k=%3D%26%25") == "=&%");
  CHECK(decoded("%6B=v") == "v");
  CHECK(decoded("k=%E4%B8%AD%E6%96%87") == "中文");
  CHECK(decoded("k=中") == "中");
  CHECK(decoded("k=%00") == "\0"sv);
  CHECK(decoded("k=G%40%40s%2Ft") == "G@@s/t");
  CHECK(decoded("&&k=v&&") == "v");
  CHECK(decoded("K=v") == "(none)");
  CHECK(decoded("kk=v") == "(none)");
  CHECK(decoded("") == "(none)");
}

TEST_CASE("an escape that is none makes the request bad") {
  for (std::string_view text : {"k=%", "k=%4", "k=%zz", "k=%4g", "k=%g4", "%=v", "a=b&k=%F",
                                "k=%%41", "k=%u4e2d", "%4&1=x", "%=41", "k=%4&a", "k=%&41"}) {
    CAPTURE(text);
    parameters params;
    CHECK_FALSE(params.add_urlencoded(text));
    CHECK_FALSE(params.find("a"));
  }
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD, others stay") {
  CHECK(decoded("k=a%FFb")
        == "a\xEF\xBF\xBD"
           "b");
  CHECK(decoded("k=\xFF") == "\xEF\xBF\xBD");
  CHECK(decoded("k=%C3%A9%C3") == "é\xEF\xBF\xBD");
  parameters params;
  // A bad value neither spoils its neighbours nor is completed by them.
  CHECK(params.add_urlencoded("a=%E4%B8&b=%AD&c=%E4%B8%AD"));
  CHECK(value_of(params, "c") == "中");
  CHECK(value_of(params, "b") == "\xEF\xBF\xBD");
}

TEST_CASE("of equal keys the first wins, query before body; Spring joins them with commas") {
  parameters params;
  CHECK(params.add_urlencoded("a=1&b=x&a=2"));
  CHECK(params.add_urlencoded("a=3&c=y"));
  CHECK(value_of(params, "a") == "1");
  CHECK(value_of(params, "c") == "y");
  CHECK(params.joined("a") == "1,2,3");
  CHECK(params.joined("b") == "x");
  CHECK_FALSE(params.joined("d"));
  CHECK_FALSE(params.find("d"));
  parameters empty_first;
  CHECK(empty_first.add_urlencoded("a=&a=2&a="));
  CHECK(empty_first.find("a") == "");
  CHECK(empty_first.joined("a") == ",2,");
}

TEST_CASE("a parameter may lack its key, its value or both") {
  parameters params;
  CHECK(params.add_urlencoded("=b&&a&k=v=w&=&l=%3D%26%2B+"));
  CHECK(params.find("") == "b");
  CHECK(params.find("a") == "");
  CHECK(params.find("k") == "v=w");
  CHECK(params.find("l") == "=&+ ");
}

TEST_CASE("256 parameters are taken, one more is refused") {
  std::string text;
  for (int i = 0; i < 256; ++i)
    text += "&k" + std::to_string(i) + "=" + std::to_string(i);
  parameters params;
  CHECK(params.add_urlencoded(text));
  CHECK(value_of(params, "k255") == "255");
  CHECK_FALSE(params.add_urlencoded("x=y"));
  CHECK_FALSE(parameters().add_urlencoded(text + "&x=y"));
  CHECK(params.add_urlencoded("&&")); // nothing is no parameter
  CHECK_FALSE(params.add_multipart(form({{"x", "y"}}), "B"));
  std::string files;
  for (int i = 0; i < 300; ++i)
    files += part("B", "name=\"f\"; filename=\"x\"", "");
  CHECK(params.add_multipart(files + "--B--", "B")); // left out, so not counted
}

TEST_CASE("any text survives encoding and decoding") {
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    std::minstd_rand rng(seed);
    constexpr std::string_view pieces[] = {"a",  "0", " ",  "&",  "=",  "%", "+", "é",
                                           "中", "😀", "@@", "\n", "\"", ";", "/", "\x7f"};
    auto random_text = [&] {
      std::string text;
      for (auto n = rng() % 6; n > 0; --n)
        text += pieces[rng() % std::size(pieces)];
      return text;
    };
    std::vector<std::pair<std::string, std::string>> all;
    std::string query;
    for (auto n = rng() % 12; n > 0; --n) {
      all.emplace_back("k" + std::to_string(rng() % 6) + random_text(), random_text());
      query += (query.empty() ? "" : "&") + encoded(all.back().first, rng) + "="
               + encoded(all.back().second, rng);
    }
    parameters params;
    CAPTURE(query);
    REQUIRE(params.add_urlencoded(query));
    std::map<std::string, std::string> first, joined;
    for (auto& [key, value] : all) {
      first.emplace(key, value);
      auto [known, is_new] = joined.emplace(key, value);
      if (!is_new)
        known->second += "," + value;
    }
    for (auto& [key, value] : first) {
      REQUIRE(params.find(key) == value);
      REQUIRE(params.joined(key) == joined[key]);
    }
  }
}

TEST_CASE("no bytes make the reader of parameters fail") {
  for (unsigned seed = 1; seed <= 5000; ++seed) {
    std::minstd_rand rng(seed);
    std::string text;
    constexpr std::string_view pieces[] = {"&", "=", "%",    "%4",      "%E4",
                                           "+", "k", "\xFF", "\xE4\xB8"};
    for (auto n = rng() % 30; n > 0; --n)
      text += pieces[rng() % std::size(pieces)];
    parameters params;
    params.add_urlencoded(text);
    auto value = std::string(params.find("k").value_or(""));
    auto clean = value;
    make_valid_utf8(clean);
    CHECK(clean == value);
  }
}

TEST_CASE("the fields of a multipart form count, its files do not") {
  parameters params;
  CHECK(params.add_urlencoded("ip=10.0.0.1"));
  auto body = "preamble\r\n" + part("B", "name=\"serviceName\"", "G@@s")
              + part("B", "name=\"file\"; filename=\"a.txt\"", "content")
              + part("B", "name=\"ip\"", "10.0.0.2") + part("B", "name=\"empty\"", "")
              + part("B", "name=\"text\"", "a+b%20\r\n\r\nc") + "--B--\r\nepilogue";
  CHECK(params.add_multipart(body, "B"));
  CHECK(value_of(params, "serviceName") == "G@@s");
  CHECK(value_of(params, "ip") == "10.0.0.1"); // the query's
  CHECK(params.joined("ip") == "10.0.0.1,10.0.0.2");
  CHECK(value_of(params, "empty") == "");
  CHECK(value_of(params, "text") == "a+b%20\r\n\r\nc"); // nothing is decoded here
  CHECK_FALSE(params.find("file"));
}

TEST_CASE("parts may have more headers, and values any bytes") {
  parameters params;
  std::string body = "--x-1\r\ncontent-type: text/plain; charset=UTF-8\r\n"
                     "Content-Disposition: form-data; name=\"a\"\r\n\r\n中\xFF\r\n--x-1--";
  CHECK(params.add_multipart(body, "x-1"));
  CHECK(value_of(params, "a") == "中\xEF\xBF\xBD");
  // A part without a name is left out.
  parameters nameless;
  CHECK(nameless.add_multipart("--B\r\nContent-Disposition: form-data\r\n\r\nv\r\n--B--", "B"));
  CHECK_FALSE(nameless.find(""));
}

TEST_CASE("a multipart body that is cut off or has no boundary makes the request bad") {
  auto body = form({{"a", "1"}, {"b", "2"}});
  CHECK(parameters().add_multipart(body, "B"));
  for (std::size_t size = 0; size < body.size() - 4; ++size) { // the last line end may be missing
    CAPTURE(size);
    CHECK_FALSE(parameters().add_multipart(body.substr(0, size), "B"));
  }
  // A value ends with the line end before the next mark; here there is none.
  CHECK_FALSE(parameters().add_multipart(
    "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--B--\r\n", "B"));
  CHECK_FALSE(parameters().add_multipart(
    "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv--B--\r\n", "B"));
  CHECK_FALSE(parameters().add_multipart(body, ""));
  CHECK_FALSE(parameters().add_multipart(body, "C"));
  CHECK_FALSE(parameters().add_multipart("", "B"));
  CHECK(parameters().add_multipart("--B--", "B")); // an empty form
  auto longest = std::string(70, 'b');
  CHECK(parameters().add_multipart("--" + longest + "--", longest));
  CHECK_FALSE(parameters().add_multipart("--" + longest + "b--", longest + "b"));
}

TEST_CASE("no bytes make the reader of multipart forms fail") {
  for (unsigned seed = 1; seed <= 5000; ++seed) {
    std::minstd_rand rng(seed);
    constexpr std::string_view pieces[] = {
      "--B", "--", "\r\n", "\r\n\r\n", "name=\"a\"", " name=\"", "Content-Disposition: form-data;",
      "\"",  "v",  "B",    "\xFF"};
    std::string body;
    for (auto n = rng() % 40; n > 0; --n)
      body += pieces[rng() % std::size(pieces)];
    parameters params;
    params.add_multipart(body, "B");
    auto value = std::string(params.find("a").value_or(""));
    CHECK(value.size() <= body.size() * 3);
  }
}
