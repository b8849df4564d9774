#include "actors/store/raft_log.hpp"

#include <algorithm>

#include "actors/store/ensure.hpp"
#include "actors/store/raft_rules.hpp"

namespace nacre::raft {

namespace {

/// What an entry takes beside its command, about.
constexpr std::size_t entry_bytes = 64;

std::size_t size_of(const entry& x) { return entry_bytes + x.data.size(); }

} // namespace

std::uint64_t log::term_at(std::uint64_t index) const {
  ensure(knows(index));
  return index == base_.index ? base_.term : at(index).at.term;
}

const entry& log::at(std::uint64_t index) const {
  ensure(index > base_.index && index <= last_index());
  return entries_[index - base_.index - 1];
}

std::vector<entry> log::slice(std::uint64_t index, std::size_t bytes_max) const {
  std::vector<entry> taken;
  for (std::size_t bytes = 0; index <= last_index(); ++index) {
    bytes += size_of(at(index));
    if (bytes > bytes_max && !taken.empty())
      break;
    taken.push_back(at(index));
  }
  return taken;
}

void log::append(entry x) {
  ensure(x.at.index == last_index() + 1 && x.at.term >= last().term);
  if (x.kind == entry_kind::membership)
    groups_.push_back({x.at.index, x.members});
  bytes_ += size_of(x);
  entries_.push_back(std::move(x));
}

void log::truncate(std::uint64_t index) {
  ensure(index > base_.index);
  while (last_index() >= index) {
    bytes_ -= size_of(entries_.back());
    entries_.pop_back();
  }
  while (groups_.back().index >= index && holds(rule::undo_lost_change))
    groups_.pop_back();
}

void log::compact(std::uint64_t index) {
  ensure(knows(index));
  position base{term_at(index), index};
  auto members = members_at(index);
  while (base_.index < index) {
    bytes_ -= size_of(entries_.front());
    entries_.pop_front();
    ++base_.index;
  }
  base_ = base;
  std::erase_if(groups_, [&](const group& x) { return x.index <= index; });
  groups_.insert(groups_.begin(), {index, std::move(members)});
}

void log::reset(position base, membership members) {
  base_ = base;
  entries_.clear();
  bytes_ = 0;
  groups_.assign(1, {base.index, std::move(members)});
}

const membership& log::members_at(std::uint64_t index) const {
  auto i = std::find_if(groups_.rbegin(), groups_.rend(),
                        [&](const group& x) { return x.index <= index; });
  ensure(i != groups_.rend());
  return i->members;
}

bool log::had_voter_since(std::uint64_t index, member_id voter) const {
  if (members_at(index).has_voter(voter))
    return true;
  return std::any_of(groups_.begin(), groups_.end(),
                     [&](const group& x) { return x.index > index && x.members.has_voter(voter); });
}

} // namespace nacre::raft
