#include "protocol/shared_metadata.hpp"

#include <bit>

#include "protocol/keyed_hash.hpp"
#include "protocol/shared_pool.hpp"

namespace nacre {

namespace {

struct map_hash {
  std::uint64_t operator()(const metadata_map& map) const {
    std::uint64_t x = map.size();
    for (auto& [key, value] : map)
      x = (std::rotl(x, 23) ^ keyed_hash({key, value})) * 0x9E3779B97F4A7C15ull;
    return x ^ x >> 32;
  }
};

using map_pool = shared_pool<metadata_map, map_hash>;

/// Never destroyed: instances may outlive everything else.
map_pool& pool() {
  static auto& x = *new map_pool;
  return x;
}

map_pool::entry* of(shared_metadata::entry* x) { return reinterpret_cast<map_pool::entry*>(x); }

} // namespace

shared_metadata::shared_metadata(metadata_map x) {
  x.shrink_to_fit();
  if (!x.empty())
    entry_ = reinterpret_cast<entry*>(pool().acquire(std::move(x)));
}

shared_metadata::shared_metadata(const shared_metadata& x) : entry_(x.entry_) {
  if (entry_)
    map_pool::add_user(of(entry_));
}

void shared_metadata::release() { pool().release(of(entry_)); }

const metadata_map& shared_metadata::map() const {
  static const metadata_map none;
  return entry_ ? of(entry_)->value : none;
}

std::size_t shared_metadata::distinct() { return pool().size(); }

} // namespace nacre
