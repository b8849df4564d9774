#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace nacre {

/// Something that can't be is: a fault of this program.
class broken_invariant : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// Throws unless `holds`, also in release: the actor fails and begins again from what is on the
/// disk, before it spoils what others keep.
inline void ensure(bool holds, std::source_location where = std::source_location::current()) {
  if (!holds)
    throw broken_invariant(std::string("broken invariant at ") + where.file_name() + ":"
                           + std::to_string(where.line()));
}

} // namespace nacre
