#pragma once

#include <cstdint>

namespace nacre {

/// A number for `preserved.instance.id.generator=snowflake`: milliseconds since Nacos' own epoch,
/// 10 bits of worker, 12 bits of sequence (Nacos `SnowFlowerIdGenerator`). Rising within the
/// process, also when the wall clock steps back. Any thread.
std::uint64_t next_snowflake_id(std::int64_t now_ms, std::uint32_t worker);

/// The worker of an address: the low 10 bits of an IPv4 address.
std::uint32_t snowflake_worker(const char* ip);

} // namespace nacre
