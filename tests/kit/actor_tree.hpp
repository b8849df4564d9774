#pragma once

#include <string>
#include <vector>

#include "tests/kit/deterministic.hpp"

namespace nacre::test {

/// One actor of a node, found by walking the tree.
struct tree_entry {
  std::string kind;
  std::string key;
  std::uint64_t parent = 0;
  caf::actor actor;
};

/// All actors of a node that answer, parents first: what the NODE says, then what its children
/// say, and so on. Delivers what waits in mailboxes.
std::vector<tree_entry> actor_tree(deterministic& host, const node_context& context);

} // namespace nacre::test
