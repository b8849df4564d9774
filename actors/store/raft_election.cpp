#include <utility>

#include "actors/store/raft_core.hpp"
#include "actors/store/raft_quorum.hpp"
#include "actors/store/raft_rules.hpp"

namespace nacre::raft {

/// A voter of the latest group; and a leader that took itself out, as long as it does not know
/// that to be committed: maybe nobody else has so much of the log (§4.2.2).
bool core::may_campaign() const { return log_.had_voter_since(commit_, how_.self); }

void core::reset_election_timer() {
  auto spread = static_cast<std::uint64_t>((how_.election_max - how_.election_min).count());
  election_due_ =
    now_ + how_.election_min + milliseconds(static_cast<std::int64_t>(random() % (spread + 1)));
}

void core::become_follower(std::uint64_t term, member_id leader) {
  if (term > vote_.term)
    vote_ = {term, nobody};
  role_ = role::follower;
  leader_ = leader;
  votes_.clear();
  progress_.clear();
  pending_reads_.clear();
  transfer_to_ = nobody;
  offered_.reset();
  wants_state_ = false;
  reset_election_timer();
}

void core::campaign(bool pre, bool forced) {
  become_follower(vote_.term, nobody);
  role_ = pre ? role::pre_candidate : role::candidate;
  if (!pre)
    vote_ = {vote_.term + 1, how_.self};
  vote_request ask{pre, forced, log_.last()};
  for (auto to : log_.members().voters) {
    if (to == how_.self)
      continue;
    if (pre)
      messages_.push_back({how_.self, to, vote_.term + 1, ask});
    else
      send_when_persisted(to, ask);
  }
  if (pre) {
    votes_[how_.self] = true;
    count_votes();
  } else {
    send_when_persisted(how_.self, vote_answer{false, true});
  }
}

void core::count_votes() {
  auto is = [&](bool granted) {
    return [&, granted](member_id x) {
      auto i = votes_.find(x);
      return i != votes_.end() && i->second == granted;
    };
  };
  if (is_quorum(is(true))) {
    if (role_ == role::pre_candidate)
      campaign(false, false);
    else
      become_leader();
  } else if (is_quorum(is(false))) {
    become_follower(vote_.term, nobody);
  }
}

void core::become_leader() {
  role_ = role::leader;
  leader_ = how_.self;
  votes_.clear();
  progress_.clear();
  term_began_ = log_.last_index() + 1;
  append(entry_kind::empty, {}, {});
  follow_members();
  quorum_due_ = now_ + how_.election_max;
  send_heartbeats();
}

void core::check_quorum() {
  bool heard = is_quorum([&](member_id x) {
    auto i = progress_.find(x);
    return x == how_.self || (i != progress_.end() && i->second.active);
  });
  if (!heard)
    return become_follower(vote_.term, nobody);
  for (auto& x : progress_)
    x.second.active = false;
  quorum_due_ = now_ + how_.election_max;
}

bool core::hears_leader() const {
  return leads() || (leader_ != nobody && now_ - heard_leader_ < how_.election_min);
}

bool core::observe_term(const message& x) {
  auto* request = std::get_if<vote_request>(&x.body);
  auto* answer = std::get_if<vote_answer>(&x.body);
  if (x.term < vote_.term) {
    // It learns of the term, and does not lead any more or ask again in vain.
    if (std::holds_alternative<append_request>(x.body)
        || std::holds_alternative<state_chunk>(x.body))
      send(x.from, append_answer{});
    else if (request && request->pre)
      send(x.from, vote_answer{true, false});
    return false;
  }
  // Who hears a leader lets nobody disturb it (§4.2.3, §9.6).
  if (request && !request->forced && hears_leader())
    return false;
  if (x.term == vote_.term || (request && request->pre)
      || (answer && answer->pre && answer->granted))
    return true;
  if (holds(rule::follow_later_term))
    become_follower(x.term, nobody);
  else
    vote_ = {x.term, nobody};
  return true;
}

void core::on(const message& from, const vote_request& x) {
  bool free = vote_.vote == from.from || (vote_.vote == nobody && leader_ == nobody)
              || (x.pre && from.term > vote_.term);
  bool up_to_date = x.last >= log_.last();
  bool granted =
    (free || !holds(rule::vote_once)) && (up_to_date || !holds(rule::vote_for_up_to_date));
  if (!granted)
    return send(from.from, vote_answer{x.pre, false});
  if (x.pre) {
    messages_.push_back({how_.self, from.from, from.term, vote_answer{true, true}});
    return;
  }
  vote_.vote = from.from;
  reset_election_timer();
  vote_answer yes{false, true};
  if (holds(rule::answer_after_vote_persists))
    send_when_persisted(from.from, yes);
  else
    send(from.from, yes);
}

void core::on(const message& from, const vote_answer& x) {
  bool asked = x.pre ? role_ == role::pre_candidate && (!x.granted || from.term == vote_.term + 1)
                     : role_ == role::candidate;
  if (!asked)
    return;
  votes_[from.from] = x.granted;
  count_votes();
}

void core::on(const message&, const transfer_order&) {
  if (!leads() && may_campaign())
    campaign(false, true);
}

} // namespace nacre::raft
