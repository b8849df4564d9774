#include "protocol/shared_metadata.hpp"

#include <bit>

#include "protocol/keyed_hash.hpp"

namespace nacre {

std::uint64_t shared_metadata::hash::operator()(const metadata_map& map) const {
  std::uint64_t x = map.size();
  for (auto& [key, value] : map)
    x = (std::rotl(x, 23) ^ keyed_hash({key, value})) * 0x9E3779B97F4A7C15ull;
  return x ^ x >> 32;
}

} // namespace nacre
