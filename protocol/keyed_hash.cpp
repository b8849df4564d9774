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
};

} // namespace

std::uint64_t keyed_hash(std::string_view text) {
  sip_state x{key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
              key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
  auto size = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    x.take(word);
  }
  std::uint64_t last = static_cast<std::uint64_t>(size) << 56;
  for (std::size_t i = 0; i < text.size(); ++i)
    last |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << 8 * i;
  x.take(last);
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
