#pragma once

#include <stdexcept>
#include <string>

namespace nacre {

/// Something that can't be is: a fault of this program.
class broken_invariant : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// Throws unless `holds`, also in release: the actor fails and begins again from what is on the
/// disk, before it spoils what others keep. (The clang of the fuzzers has no std::source_location.)
inline void ensure(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (!holds)
    throw broken_invariant(std::string("broken invariant at ") + file + ":" + std::to_string(line));
}

} // namespace nacre
