#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/base/clocks.hpp"

namespace nacre {

/// Makes the numbers of `preserved.instance.id.generator=snowflake`: milliseconds since Nacos' own
/// epoch, 10 bits of worker, 12 bits of sequence (Nacos `SnowFlowerIdGenerator`). One per node.
/// They rise, also when the wall clock steps back. Any thread.
class snowflake_ids {
public:
  /// @param worker the low 10 bits of it
  explicit snowflake_ids(std::uint32_t worker = 0) : worker_(worker & 0x3FFu) {}

  std::uint64_t next(wall_time now);

  void set_worker(std::uint32_t worker) { worker_ = worker & 0x3FFu; }

private:
  std::atomic<std::uint32_t> worker_;
  /// Time and sequence in one number, so that one atomic step gives the next of both.
  std::atomic<std::uint64_t> last_{0};
};

/// The worker of the node `self` (`host:port`) among the members of its cluster, which all nodes
/// list in one order. A node keeps its number whoever else comes, unless one before it in the list
/// wants the same; no two share one, up to 1,024 of them.
std::uint32_t snowflake_worker(std::string_view self, const std::vector<std::string>& members);

} // namespace nacre
