// Values that are stored once or in little room: they have to behave as if they were not.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "protocol/instance.hpp"
#include "protocol/shared_metadata.hpp"
#include "protocol/shared_text.hpp"
#include "protocol/short_text.hpp"

using namespace nacre;

namespace {

metadata_map application(int release) {
  return make_metadata({{"preserved.heart.beat.timeout", "15000"},
                        {"preserved.ip.delete.timeout", "30000"},
                        {"version", std::to_string(release)}});
}

} // namespace

TEST_CASE("a short text is what it was made of, whatever its length") {
  for (std::size_t size = 0; size <= 70; ++size) {
    auto text = std::string(size, 'a');
    short_text x(text);
    CHECK(x == text);
    CHECK(x.size() == size);
    CHECK(x.empty() == (size == 0));
    short_text copy = x;
    short_text moved = std::move(x);
    CHECK(copy == moved);
    copy = short_text(text + "b");
    CHECK(copy != moved);
    CHECK(copy > moved);
    CHECK(moved == text);
  }
  CHECK(short_text(std::string("a\0b", 3)) != short_text("a"));
}

TEST_CASE("short texts have the order of the texts") {
  std::minstd_rand rng(1);
  auto random_text = [&] {
    std::string text(rng() % 20, '\0');
    for (auto& c : text)
      c = static_cast<char>('a' + rng() % 2);
    return text;
  };
  for (int i = 0; i < 1000; ++i) {
    auto a = random_text();
    auto b = random_text();
    CHECK((short_text(a) < short_text(b)) == (a < b));
    CHECK((short_text(a) == short_text(b)) == (a == b));
  }
}

TEST_CASE("equal metadata is stored once, and goes with its last user") {
  auto before = shared_metadata::distinct();
  {
    std::vector<shared_metadata> users;
    for (int i = 0; i < 100; ++i)
      users.emplace_back(application(i % 4));
    CHECK(shared_metadata::distinct() == before + 4);
    CHECK(&users[0].map() == &users[4].map());
    CHECK(users[0] != users[1]);
    CHECK(users[1].map() == application(1));
    users.resize(1);
    CHECK(shared_metadata::distinct() == before + 1);
    users[0] = {};
    CHECK(users[0].empty());
  }
  CHECK(shared_metadata::distinct() == before);
}

TEST_CASE("equal texts are stored once, and the empty one is not stored") {
  auto before = shared_text::distinct();
  {
    shared_text a("a cluster"), b(std::string("a cluster")), none(""), c("another");
    CHECK(&a.str() == &b.str());
    CHECK(a == "a cluster");
    CHECK(none.empty());
    CHECK(none == shared_text());
    CHECK(shared_text::distinct() == before + 2);
    c = a;
    CHECK(shared_text::distinct() == before + 1);
  }
  CHECK(shared_text::distinct() == before);
}

TEST_CASE("many threads may take and let go of the same few values") {
  auto before = shared_metadata::distinct();
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed)
    threads.emplace_back([seed] {
      std::minstd_rand rng(seed);
      std::vector<shared_metadata> held(5);
      for (int i = 0; i < 20'000; ++i) {
        auto release = static_cast<int>(rng() % 3);
        auto& one = held[rng() % held.size()];
        one = rng() % 4 == 0 ? shared_metadata() : shared_metadata(application(release));
        auto copy = one;
        if (!copy.empty() && copy.size() != 3)
          std::abort();
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(shared_metadata::distinct() == before);
}

TEST_CASE("a pool grows with different values and keeps all of them apart") {
  auto before = shared_metadata::distinct();
  std::vector<shared_metadata> all;
  for (int i = 0; i < 5000; ++i)
    all.emplace_back(application(i));
  CHECK(shared_metadata::distinct() == before + 5000);
  std::shuffle(all.begin(), all.end(), std::minstd_rand(1));
  std::set<const metadata_map*> maps;
  for (int i = 0; i < 5000; ++i)
    maps.insert(&shared_metadata(application(i)).map());
  CHECK(maps.size() == 5000);
  CHECK(shared_metadata::distinct() == before + 5000);
}

TEST_CASE("an instance takes 56 bytes") {
  CHECK(sizeof(instance) <= 56);
  instance x;
  CHECK(x.cluster_name == "DEFAULT");
  CHECK(&x.cluster_name.str() == &instance().cluster_name.str());
}
