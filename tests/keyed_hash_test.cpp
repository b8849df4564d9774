#include "protocol/keyed_hash.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

using namespace nacre;

TEST_CASE("a hash depends on every byte and on the length") {
  std::set<std::uint64_t> all;
  std::string text;
  for (int size = 0; size <= 40; ++size, text.push_back('\0'))
    CHECK(all.insert(keyed_hash(text)).second);
  for (std::size_t i = 0; i < text.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto other = text;
      other[i] = static_cast<char>(1 << bit);
      CHECK(all.insert(keyed_hash(other)).second);
    }
  CHECK(keyed_hash("abc") == keyed_hash(std::string("xabc").substr(1))); // wherever it lies
}

TEST_CASE("a list of texts is not what it is when they are put together") {
  CHECK(keyed_hash({"a", "bc"}) != keyed_hash({"ab", "c"}));
  CHECK(keyed_hash({"a", "b"}) != keyed_hash({"b", "a"}));
  CHECK(keyed_hash({"ab", ""}) != keyed_hash({"", "ab"}));
  CHECK(keyed_hash({"ab", ""}) != keyed_hash("ab"));
  CHECK(keyed_hash({"12345678", "9"}) != keyed_hash("123456789"));
}

TEST_CASE("hashes of names in a row fill all buckets evenly") {
  std::map<std::uint64_t, int> buckets;
  for (int i = 0; i < 64'000; ++i)
    ++buckets[keyed_hash("10.0." + std::to_string(i)) % 64];
  CHECK(buckets.size() == 64);
  for (auto& [bucket, count] : buckets)
    CHECK((count > 800 && count < 1'200)); // 1,000 each; six times the spread of chance
}
