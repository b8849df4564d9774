#pragma once

#include <cstddef>

namespace nacre {

/// Bytes of memory that the process may use: the machine's, or what its control group allows if
/// that is less. As it was when first asked for.
std::size_t usable_memory();

/// Bytes of it that the process holds now; 0 if the system does not say.
std::size_t resident_memory();

/// Gives back the pages of the program and its libraries that were read so far, most of which only
/// the start needs. Those that are used come back by themselves. Any thread.
void give_back_code_pages();

} // namespace nacre
