#pragma once

#include <algorithm>
#include <string>

#include "actors/store/store_disk.hpp"

namespace nacre::test {

/// A disk that outlives the node's actors and fails when it is told to.
class memory_disk final : public store_disk {
public:
  std::optional<stored_contents> load() override {
    check();
    return contents_.identity.group != 0 ? std::optional(contents_) : std::nullopt;
  }

  void found(const store_identity& identity, const raft::membership& members) override {
    check();
    auto& member = contents_.member;
    if (member.base.index != 0 || !member.entries.empty())
      throw store_error("it keeps a log");
    contents_ = {identity, {{}, {}, members, {}, 0}, {}};
  }

  void write(const raft::disk_round& x) override {
    check();
    auto& member = contents_.member;
    member.commit = x.commit;
    if (x.state) {
      member.base = x.state->last;
      member.members = x.state->members;
      member.entries.clear();
      contents_.state = *x.state->bytes;
    }
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
  std::string copy() const override {
    check();
    return contents_.state;
  }
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
