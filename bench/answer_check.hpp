#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

/// What a request asks for, which decides what a right answer is.
enum class request_kind { register_instance, beat, light_beat, query };

/// The word for `kind` on the command line; throws `usage_error` for an unknown word.
request_kind parse_kind(std::string_view word);
std::string_view to_word(request_kind kind);

/// A hash that does not depend on the platform, so that reports of two machines compare.
std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed = 0xcbf29ce484222325);

/// What a list must hold; other answers hold no instances.
struct expectation {
  std::size_t hosts = 0;
  int weight = 0; // of every host; 0 = any
};

/// What an answer of a registry means, as one number: equal for two registries that hold the same,
/// though their JSON differs in order, extra keys and times. Throws `failure` unless the answer is
/// right.
std::uint64_t meaning_of(request_kind kind, std::string_view body, const expectation& wanted);

/// The values of `key` (with quotes and colon) in `body`, up to any of `ends`.
std::vector<std::string_view> values_of(std::string_view body, std::string_view key,
                                        std::string_view ends);

/// The cheap check for every answer under load: right ending and a size near `size`, the size of
/// the answer that was checked in full.
void check_shape(request_kind kind, std::string_view body, std::size_t size,
                 const expectation& wanted);

} // namespace nacre::bench
