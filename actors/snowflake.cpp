#include "actors/snowflake.hpp"

#include <atomic>

#include <arpa/inet.h>

namespace nacre {

std::uint64_t next_snowflake_id(std::int64_t now_ms, std::uint32_t worker) {
  constexpr std::int64_t epoch_ms = 1'533'429'240'000;
  // Time and sequence in one number, so that one atomic step gives the next of both.
  static std::atomic<std::uint64_t> last{0};
  auto now = static_cast<std::uint64_t>(now_ms - epoch_ms) << 12;
  auto seen = last.load();
  std::uint64_t next;
  do
    next = now > seen ? now : seen + 1;
  while (!last.compare_exchange_weak(seen, next));
  return (next >> 12) << 22 | (worker & 0x3FFu) << 12 | (next & 0xFFFu);
}

std::uint32_t snowflake_worker(const char* ip) {
  in_addr address{};
  return inet_pton(AF_INET, ip, &address) == 1 ? ntohl(address.s_addr) & 0x3FFu : 0;
}

} // namespace nacre
