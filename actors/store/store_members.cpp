#include "actors/store/store_members.hpp"

#include <algorithm>

namespace nacre {

namespace {

/// A learner that lacks at most so many entries is promoted.
constexpr std::uint64_t promoted_within = 1'000;

void take_out(std::vector<raft::member_id>& from, raft::member_id x) { std::erase(from, x); }

} // namespace

void store_members::list(std::vector<std::string> addresses) {
  listed_ = std::move(addresses);
  auto is_gone = [this](auto& x) {
    return !std::binary_search(listed_.begin(), listed_.end(), x.first);
  };
  std::erase_if(stores_, is_gone);
  std::erase_if(senders_, is_gone);
}

void store_members::hear(const std::string& address, std::uint64_t group, raft::member_id id,
                         const store_hello& x, steady_time now) {
  // It may have moved there.
  std::erase_if(stores_, [&](auto& y) { return y.second.id == id && y.first != address; });
  stores_[address] = {id, group, x, now};
  note_address(address, id);
}

void store_members::note_address(const std::string& address, raft::member_id id) {
  senders_[address] = id;
}

std::string store_members::home_of(raft::member_id id) const {
  auto found =
    std::find_if(stores_.begin(), stores_.end(), [&](auto& x) { return x.second.id == id; });
  return found == stores_.end() ? std::string() : found->first;
}

std::string store_members::address_of(raft::member_id id) const {
  if (auto home = home_of(id); !home.empty())
    return home;
  auto found =
    std::find_if(senders_.begin(), senders_.end(), [&](auto& x) { return x.second == id; });
  return found == senders_.end() ? std::string() : found->first;
}

// -- the first start -----------------------------------------------------------------------------

std::optional<raft::membership> store_members::founding(raft::member_id own, steady_time now,
                                                        std::uint64_t seed) {
  std::map<std::string, raft::member_id> agreeing{{self_, own}};
  for (auto& [address, x] : stores_) {
    if (!is_fresh(x, now))
      continue;
    if (!x.said.is_blank || x.said.leader != raft::nobody) {
      agree_since_ = never;
      return std::nullopt; // there is a group already
    }
    if (x.said.members == listed_)
      agreeing[address] = x.id;
  }
  if (agreeing.size() <= listed_.size() / 2) {
    agree_since_ = never;
    return std::nullopt;
  }
  if (agree_since_ == never)
    agree_since_ = now;
  bool all = agreeing.size() == listed_.size();
  bool is_first = agreeing.begin()->first == self_;
  if (!is_first || (!all && now - agree_since_ < founding_patience))
    return std::nullopt;
  raft::membership members;
  for (auto& address : listed_) {
    auto known = agreeing.find(address);
    members.voters.push_back(known != agreeing.end() ? known->second : ++seed);
  }
  return members;
}

// -- the leader's group --------------------------------------------------------------------------

std::optional<raft::membership> store_members::next_members(const raft::core& leader,
                                                            std::uint64_t group, steady_time now) {
  if (leader.term() != term_) {
    term_ = leader.term();
    leads_since_ = now;
  }
  if (!leader.knows_commit() || leader.changes_members() || leader.transfers_to() != raft::nobody)
    return std::nullopt;
  if (auto next = with_new_learner(leader, group, now))
    return next;
  if (now - leads_since_ >= settling_time)
    if (auto next = without_unlisted(leader))
      return next;
  return with_promoted(leader);
}

std::optional<raft::membership> store_members::with_new_learner(const raft::core& leader,
                                                                std::uint64_t group,
                                                                steady_time now) const {
  auto members = leader.entries().members();
  for (auto& [address, x] : stores_) {
    bool belongs_elsewhere = x.group != 0 && x.group != group;
    if (x.id == raft::nobody || !is_fresh(x, now) || belongs_elsewhere || members.has_voter(x.id)
        || members.has_learner(x.id))
      continue;
    members.learners.push_back(x.id);
    return members;
  }
  return std::nullopt;
}

/// An identity that is at no listed address is gone for good if it is known who is at each of them:
/// its node is listed no more, or has lost its disk.
std::optional<raft::membership> store_members::without_unlisted(const raft::core& leader) const {
  for (auto& address : listed_)
    if (auto x = stores_.find(address); address != self_ && x == stores_.end())
      return std::nullopt;
  auto members = leader.entries().members();
  auto is_gone = [&](raft::member_id x) { return x != leader.self() && home_of(x).empty(); };
  auto gone = [&](auto& from) { return std::find_if(from.begin(), from.end(), is_gone); };
  if (auto x = gone(members.learners); x != members.learners.end())
    take_out(members.learners, *x);
  else if (auto y = gone(members.voters); y != members.voters.end())
    take_out(members.voters, *y);
  else
    return std::nullopt;
  return members;
}

std::optional<raft::membership> store_members::with_promoted(const raft::core& leader) const {
  auto members = leader.entries().members();
  if (members.voters.size() >= listed_.size())
    return std::nullopt; // first somebody goes
  for (auto id : members.learners) {
    auto x = leader.members().find(id);
    bool is_near = x != leader.members().end() && x->second.how == raft::progress::state::replicate
                   && x->second.matched + promoted_within >= leader.entries().last_index();
    if (!is_near)
      continue;
    take_out(members.learners, id);
    members.voters.push_back(id);
    return members;
  }
  return std::nullopt;
}

} // namespace nacre
