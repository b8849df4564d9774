#include "actors/store/raft_core.hpp"

#include <algorithm>
#include <utility>

#include "actors/store/ensure.hpp"
#include "actors/store/raft_rules.hpp"

namespace nacre::raft {

std::string_view to_string(role x) {
  switch (x) {
    case role::follower:
      return "follower";
    case role::pre_candidate:
      return "pre-candidate";
    case role::candidate:
      return "candidate";
    default:
      return "leader";
  }
}

const membership& stored_member::group() const {
  auto change = std::find_if(entries.rbegin(), entries.rend(),
                             [](auto& x) { return x.kind == entry_kind::membership; });
  return change == entries.rend() ? members : change->members;
}

core::core(settings how, stored_member stored, steady_time now)
  : how_(how),
    now_(now),
    random_(how.seed),
    vote_(stored.vote),
    log_(stored.base, std::move(stored.members)),
    commit_(stored.base.index),
    applied_(stored.base.index) {
  for (auto& x : stored.entries)
    log_.append(std::move(x));
  if (!holds(rule::remember_vote))
    vote_.vote = nobody;
  if (!holds(rule::remember_term))
    vote_ = {log_.last().term, nobody};
  stored_vote_ = vote_;
  persisted_ = log_.last_index();
  commit_ = std::clamp(stored.commit, commit_, persisted_);
  stored_commit_ = commit_;
  dirty_from_ = persisted_ + 1;
  reset_election_timer();
  // Nobody else could lead.
  if (log_.members().voters == std::vector{how_.self})
    election_due_ = now;
}

void core::tick(steady_time now) {
  now_ = now;
  if (!leads()) {
    if (now < election_due_)
      return;
    reset_election_timer();
    if (may_campaign())
      campaign(true, false);
    return;
  }
  if (transfer_to_ != nobody && now >= transfer_until_)
    transfer_to_ = nobody;
  if (now >= quorum_due_)
    check_quorum();
  if (leads() && now >= heartbeat_due_)
    send_heartbeats();
}

void core::step(message x) {
  if (observe_term(x))
    std::visit([&](auto& body) { on(x, body); }, x.body);
}

// -- the disk ------------------------------------------------------------------------------------

bool core::is_dirty() const {
  return vote_ != stored_vote_ || state_to_store_ || dirty_from_ <= log_.last_index();
}

void core::send_when_persisted(member_id to, body x) {
  auto& queue = is_dirty() ? messages_after_ : under_way_ ? under_way_->messages : messages_;
  queue.push_back(make(to, std::move(x)));
}

std::optional<disk_round> core::take_round(bool for_commit) {
  if (under_way_ || !(is_dirty() || (for_commit && commit_ > stored_commit_)))
    return std::nullopt;
  disk_round round;
  round.number = ++rounds_;
  if (vote_ != stored_vote_)
    round.vote = vote_;
  stored_vote_ = vote_;
  round.state = std::exchange(state_to_store_, {});
  round.entries = log_.slice(dirty_from_, SIZE_MAX);
  round.commit = stored_commit_ = commit_;
  dirty_from_ = log_.last_index() + 1;
  under_way_ = round_under_way{round.number, log_.last(), std::exchange(messages_after_, {})};
  return round;
}

void core::on_persisted(std::uint64_t number) {
  ensure(under_way_ && under_way_->number == number);
  auto done = std::move(*under_way_);
  under_way_.reset();
  // What was overwritten meanwhile is on the disk, but no longer in the log.
  if (log_.matches(done.last))
    persisted_ = std::max(persisted_, done.last.index);
  for (auto& x : done.messages) {
    if (x.to == how_.self)
      step(std::move(x));
    else
      messages_.push_back(std::move(x));
  }
  if (leads())
    advance_commit();
}

// -- what is asked for ---------------------------------------------------------------------------

std::optional<position> core::propose(std::string command) {
  if (!leads() || transfer_to_ != nobody)
    return std::nullopt;
  return append(entry_kind::command, std::move(command), {});
}

std::optional<position> core::change_members(membership next) {
  auto& now = log_.members();
  auto differs = [](const membership& a, const membership& b) {
    return std::count_if(a.voters.begin(), a.voters.end(),
                         [&](member_id x) { return !b.has_voter(x); });
  };
  bool one_voter = differs(next, now) + differs(now, next) <= 1;
  bool can = leads() && transfer_to_ == nobody && one_voter && !next.voters.empty() && next != now;
  if (!can || (changes_members() && holds(rule::one_change_at_a_time))
      || (!knows_commit() && holds(rule::change_after_own_term)))
    return std::nullopt;
  auto at = append(entry_kind::membership, {}, std::move(next));
  follow_members();
  return at;
}

bool core::transfer(member_id to) {
  auto x = progress_.find(to);
  if (!leads() || x == progress_.end() || !log_.members().has_voter(to))
    return false;
  transfer_to_ = to;
  transfer_until_ = now_ + how_.election_max;
  finish_transfer(to);
  return true;
}

void core::step_down() {
  if (leads())
    become_follower(vote_.term, nobody);
}

bool core::read(std::uint64_t id) {
  if (!leads())
    return false;
  pending_reads_.push_back({id, 0, 0});
  return true;
}

void core::offer_state(std::uint64_t index, std::shared_ptr<const std::string> bytes) {
  ensure(log_.knows(index) && index <= applied_);
  offered_ = {{log_.term_at(index), index}, log_.members_at(index), std::move(bytes)};
  wants_state_ = false;
  for (auto& x : progress_)
    if (x.second.how == progress::state::state)
      x.second.waits = false;
}

void core::compact(std::uint64_t index) {
  if (index <= log_.base().index)
    return; // a state that the leader sent was installed meanwhile
  ensure(index <= applied_ && index <= persisted_);
  log_.compact(index);
}

// -- what is to be done --------------------------------------------------------------------------

std::vector<message> core::take_messages() {
  if (leads())
    flush();
  return std::exchange(messages_, {});
}

std::vector<entry> core::take_committed() {
  std::vector<entry> taken;
  for (auto end = std::min(commit_, persisted_); applied_ < end;)
    taken.push_back(log_.at(++applied_));
  return taken;
}

std::vector<read_ready> core::take_reads() { return std::exchange(reads_, {}); }

std::uint64_t core::random() { // splitmix64
  auto x = random_ += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

} // namespace nacre::raft
