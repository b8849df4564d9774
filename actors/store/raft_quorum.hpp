#pragma once

#include <algorithm>
#include <cstddef>

#include "actors/store/raft_core.hpp"
#include "actors/store/raft_rules.hpp"

namespace nacre::raft {

template <class Predicate>
bool core::is_quorum(Predicate holds_for) const {
  auto& members = log_.members();
  auto count = std::count_if(members.voters.begin(), members.voters.end(), holds_for);
  if (!holds(rule::count_voters_only))
    count += std::count_if(members.learners.begin(), members.learners.end(), holds_for);
  return static_cast<std::size_t>(count) > members.voters.size() / 2;
}

} // namespace nacre::raft
