#pragma once

#include <algorithm>
#include <string>

#include "actors/store/store_disk.hpp"

namespace nacre::test {

/// The disk of a lone node, which outlives the node's actors and fails when it is told to.
class memory_disk final : public store_disk {
public:
  memory_disk() {
    contents_.identity = {1, 1};
    contents_.member.members.voters = {1};
  }

  std::optional<stored_contents> load() override {
    check();
    return contents_;
  }

  void found(const store_identity& identity, const raft::membership& members) override {
    contents_.identity = identity;
    contents_.member.members = members;
  }

  void write(const raft::disk_round& x) override {
    check();
    auto& member = contents_.member;
    if (x.vote)
      member.vote = *x.vote;
    if (!x.entries.empty()) {
      auto first = x.entries.front().at.index;
      std::erase_if(member.entries, [&](const raft::entry& e) { return e.at.index >= first; });
      member.entries.insert(member.entries.end(), x.entries.begin(), x.entries.end());
    }
    ++rounds;
  }

  void write_state_part(const raft::state_image& x, std::size_t part) override {
    check();
    if (part + 1 < state_parts(x))
      return;
    auto& member = contents_.member;
    member.base = x.last;
    member.members = x.members;
    contents_.state = *x.bytes;
    std::erase_if(member.entries, [&](const raft::entry& e) { return e.at.index <= x.last.index; });
    ++states;
  }

  std::size_t state_parts(const raft::state_image&) const override { return 2; }
  std::uint64_t size() const override { return contents_.state.size(); }

  /// Why it fails; empty if it does not.
  std::string fails;
  std::uint64_t lives = 0;
  int rounds = 0;
  int states = 0;

private:
  void check() const {
    if (!fails.empty())
      throw store_error(fails);
  }

  stored_contents contents_;
};

} // namespace nacre::test
