#include "actors/base/snowflake.hpp"

#include <bitset>

namespace nacre {

std::uint64_t snowflake_ids::next(wall_time now) {
  constexpr wall_time epoch(milliseconds(1'533'429'240'000));
  auto present = static_cast<std::uint64_t>(to_ms(now - epoch)) << 12;
  auto seen = last_.load();
  std::uint64_t next;
  do
    next = present > seen ? present : seen + 1;
  while (!last_.compare_exchange_weak(seen, next));
  return (next >> 12) << 22 | static_cast<std::uint64_t>(worker_) << 12 | (next & 0xFFFu);
}

std::uint32_t snowflake_worker(std::string_view self, const std::vector<std::string>& members) {
  constexpr std::uint32_t workers = 1024;
  // FNV-1a: the same on every machine and in every version.
  auto wanted = [](std::string_view address) {
    std::uint32_t hash = 2'166'136'261u;
    for (unsigned char c : address)
      hash = (hash ^ c) * 16'777'619u;
    return (hash ^ hash >> 16) % workers;
  };
  std::bitset<workers> taken;
  for (auto& member : members) {
    auto x = wanted(member);
    while (taken[x] && !taken.all())
      x = (x + 1) % workers;
    taken.set(x);
    if (member == self)
      return x;
  }
  return wanted(self);
}

} // namespace nacre
