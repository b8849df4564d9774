#include "protocol/keyed_hash.hpp"

#include <bit>
#include <cstring>
#include <random>

namespace nacre {

namespace {

std::uint64_t key[2]{};

struct sip_state {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    c += d;
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c += b;
    a += d;
    b = std::rotl(b, 17) ^ c;
    d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }

  void take(std::uint64_t word) {
    d ^= word;
    round();
    a ^= word;
  }

  /// A text ends with its length, so no two lists of texts are taken as the same words.
  void take(std::string_view text) {
    auto length = static_cast<std::uint64_t>(text.size()) << 56;
    for (; text.size() >= 8; text.remove_prefix(8)) {
      std::uint64_t word;
      std::memcpy(&word, text.data(), 8);
      take(word);
    }
    std::uint64_t rest = 0;
    if (!text.empty()) // an empty one may be nowhere
      std::memcpy(&rest, text.data(), text.size());
    take(rest | length);
  }
};

} // namespace

std::uint64_t keyed_hash(std::initializer_list<std::string_view> texts) {
  sip_state x{key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
              key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
  for (auto text : texts)
    x.take(text);
  x.c ^= 0xff;
  for (int i = 0; i < 3; ++i)
    x.round();
  return x.a ^ x.b ^ x.c ^ x.d;
}

void choose_hash_key() {
  std::random_device random;
  for (auto& half : key)
    half = static_cast<std::uint64_t>(random()) << 32 | random();
}

} // namespace nacre
