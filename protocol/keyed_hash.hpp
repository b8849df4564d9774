#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace nacre {

/// A hash of texts that strangers choose: SipHash-1-3 under a key of this process, so that nobody
/// can look for names that fall into one bucket. Not for what nodes compare.
std::uint64_t keyed_hash(std::initializer_list<std::string_view> texts);

inline std::uint64_t keyed_hash(std::string_view text) { return keyed_hash({text}); }

/// Gives the process a random key. To be called before the first table is filled; without it, as in
/// tests that must repeat, the key is zero.
void choose_hash_key();

} // namespace nacre
