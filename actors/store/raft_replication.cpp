#include <algorithm>
#include <utility>

#include "actors/store/ensure.hpp"
#include "actors/store/raft_core.hpp"
#include "actors/store/raft_quorum.hpp"
#include "actors/store/raft_rules.hpp"

namespace nacre::raft {

// -- the follower --------------------------------------------------------------------------------

void core::follow_leader(member_id from) {
  if (role_ != role::follower)
    become_follower(vote_.term, from);
  leader_ = from;
  heard_leader_ = now_;
  reset_election_timer();
}

void core::on(const message& from, append_request& x) {
  ensure(!leads());
  follow_leader(from.from);
  append_answer answer{false, x.previous.index, 0, x.round};
  if (x.previous.index < commit_) {
    // What is committed is in the log of each leader (§3.6.3).
    answer.accepted = true;
    answer.index = std::min(commit_, persisted_);
    return send(from.from, answer);
  }
  bool follows =
    log_.knows(x.previous.index) && (log_.matches(x.previous) || !holds(rule::check_previous));
  if (!follows) {
    answer.index = std::min(x.previous.index - 1, log_.last_index());
    while (answer.index > commit_ && log_.term_at(answer.index) > x.previous.term)
      --answer.index;
    return send(from.from, answer);
  }
  auto matched = x.previous.index + x.entries.size();
  bool is_heartbeat = x.entries.empty();
  take_entries(x.entries);
  commit_ = std::max(
    commit_, std::min(x.commit, holds(rule::commit_matched_only) ? matched : log_.last_index()));
  answer.accepted = true;
  answer.index = is_heartbeat ? std::min(matched, persisted_) : matched;
  if (is_heartbeat || !holds(rule::answer_after_entries_persist))
    send(from.from, answer);
  else
    send_when_persisted(from.from, answer);
}

void core::take_entries(std::vector<entry>& entries) {
  for (auto& x : entries) {
    if (log_.matches(x.at) && holds(rule::keep_matching_entries))
      continue;
    if (x.at.index <= log_.last_index()) {
      ensure(x.at.index > commit_);
      log_.truncate(x.at.index);
      persisted_ = std::min(persisted_, x.at.index - 1);
      dirty_from_ = std::min(dirty_from_, x.at.index);
    }
    log_.append(std::move(x));
  }
}

void core::on(const message& from, state_chunk& x) {
  ensure(!leads());
  follow_leader(from.from);
  if (log_.matches(x.last))
    commit_ = std::max(commit_, x.last.index);
  if (x.last.index <= commit_ && holds(rule::refuse_older_state)) {
    incoming_.reset();
    return send(from.from,
                append_answer{true, x.last.index, std::min(commit_, persisted_), x.round});
  }
  if (x.offset == 0 || !incoming_ || incoming_->last != x.last)
    incoming_ = {x.last, {}};
  auto& bytes = incoming_->bytes;
  if (x.offset == bytes.size() && bytes.size() + x.bytes.size() <= x.size)
    bytes += x.bytes;
  if (bytes.size() < x.size)
    return send(from.from, state_answer{x.last, bytes.size(), x.round});
  install_state(x, std::exchange(incoming_, {})->bytes);
  send_when_persisted(from.from, state_answer{x.last, x.size, x.round});
}

void core::install_state(const state_chunk& x, std::string bytes) {
  auto members = holds(rule::state_brings_members) ? x.members : log_.members();
  log_.reset(x.last, members);
  commit_ = applied_ = x.last.index;
  persisted_ = 0;
  dirty_from_ = x.last.index + 1;
  state_to_store_ = {x.last, std::move(members),
                     std::make_shared<const std::string>(std::move(bytes))};
}

// -- the leader ----------------------------------------------------------------------------------

position core::append(entry_kind kind, std::string data, membership members) {
  position at{vote_.term, log_.last_index() + 1};
  log_.append({at, kind, std::move(data), std::move(members)});
  return at;
}

void core::follow_members() {
  auto& members = log_.members();
  std::erase_if(progress_, [&](auto& x) {
    return !members.has_voter(x.first) && !members.has_learner(x.first);
  });
  auto add = [&](member_id id) {
    if (id == how_.self)
      return;
    auto [x, is_new] = progress_.try_emplace(id);
    if (is_new) {
      x->second.next = log_.last_index();
      x->second.active = true;
    }
  };
  std::for_each(members.voters.begin(), members.voters.end(), add);
  std::for_each(members.learners.begin(), members.learners.end(), add);
}

void core::flush() {
  start_reads();
  for (auto& [id, x] : progress_) {
    send_next(id, x);
    if (x.how == progress::state::replicate && x.told_commit < commit_)
      send_append(id, x, false);
  }
  bool state_is_wanted = std::any_of(progress_.begin(), progress_.end(), [](auto& x) {
    return x.second.how == progress::state::state;
  });
  if (!state_is_wanted) {
    offered_.reset();
    wants_state_ = false;
  }
}

void core::send_heartbeats() {
  ++round_;
  heartbeat_due_ = now_ + how_.heartbeat;
  for (auto& [id, x] : progress_) {
    x.waits = false;
    send_append(id, x, false);
  }
}

void core::send_next(member_id to, progress& x) {
  if (x.how != progress::state::state && !log_.knows(x.next - 1)) {
    x.how = progress::state::state;
    x.waits = false;
    x.state_last = {};
  }
  switch (x.how) {
    case progress::state::state:
      if (!offered_ || offered_->last.index < log_.base().index)
        wants_state_ = true;
      else if (!x.waits)
        send_chunk(to, x);
      break;
    case progress::state::probe:
      if (!x.waits && x.next <= log_.last_index())
        send_append(to, x, true);
      break;
    case progress::state::replicate:
      while (x.next <= log_.last_index() && x.in_flight < how_.in_flight_max)
        send_append(to, x, true);
      break;
  }
}

void core::send_append(member_id to, progress& x, bool with_entries) {
  append_request request;
  request.commit = commit_;
  request.round = round_;
  auto previous = x.next - 1;
  if (log_.knows(previous))
    request.previous = {log_.term_at(previous), previous};
  if (with_entries) {
    request.entries = log_.slice(x.next, how_.request_bytes_max);
    if (x.how == progress::state::replicate) {
      x.next += request.entries.size();
      ++x.in_flight;
    } else {
      x.waits = true;
    }
  }
  x.told_commit = commit_;
  send(to, std::move(request));
}

void core::send_chunk(member_id to, progress& x) {
  if (x.state_last != offered_->last) {
    x.state_last = offered_->last;
    x.state_bytes = 0;
  }
  x.waits = true;
  auto& bytes = *offered_->bytes;
  send(to, state_chunk{offered_->last, offered_->members, x.state_bytes, bytes.size(),
                       bytes.substr(x.state_bytes, how_.chunk_bytes), round_});
}

progress* core::hear(member_id from, std::uint64_t round) {
  auto x = progress_.find(from);
  if (!leads() || x == progress_.end())
    return nullptr;
  x->second.active = true;
  x->second.round = std::max(x->second.round, round);
  return &x->second;
}

void core::on(const message& from, const append_answer& x) {
  auto* heard = hear(from.from, x.round);
  if (!heard)
    return;
  auto& to = *heard;
  ensure(x.index <= log_.last_index());
  if (x.accepted) {
    bool found_place = to.how == progress::state::probe && x.index + 1 >= to.next;
    bool has_state = to.how == progress::state::state && x.index >= log_.base().index;
    if (to.in_flight > 0)
      --to.in_flight;
    to.matched = std::max(to.matched, x.index);
    if (found_place || has_state)
      to.become_replicate();
    to.next = std::max(to.next, to.matched + 1);
    if (to.how == progress::state::replicate && to.matched + 1 == to.next)
      to.in_flight = 0;
    advance_commit();
    finish_transfer(from.from);
  } else if (to.how == progress::state::replicate
               ? x.asked > to.matched
               : x.asked + 1 == to.next && to.how == progress::state::probe) {
    to.become_probe();
    to.next = std::max(to.matched + 1, std::min(x.asked, x.index + 1));
  }
  release_reads();
}

void core::on(const message& from, const state_answer& x) {
  auto* heard = hear(from.from, x.round);
  if (!heard)
    return;
  auto& to = *heard;
  if (to.how == progress::state::state && offered_ && x.last == offered_->last) {
    to.waits = false;
    to.state_bytes = std::min<std::uint64_t>(x.received, offered_->bytes->size());
    if (x.received >= offered_->bytes->size()) {
      to.matched = std::max(to.matched, x.last.index);
      to.become_replicate();
    }
  }
  release_reads();
}

void core::advance_commit() {
  // Entries of earlier terms are committed by one of this term behind them.
  auto reached = [&](std::uint64_t index) {
    return is_quorum([&](member_id x) {
      if (x == how_.self)
        return (holds(rule::count_persisted_only) ? persisted_ : log_.last_index()) >= index;
      auto i = progress_.find(x);
      return i != progress_.end() && i->second.matched >= index;
    });
  };
  auto before = commit_;
  // The greatest index that a quorum has is what one of its members matched.
  auto consider = [&](std::uint64_t index) {
    if (index > commit_ && log_.knows(index)
        && (log_.term_at(index) == vote_.term || !holds(rule::commit_own_term_only))
        && reached(index))
      commit_ = index;
  };
  for (auto& x : progress_)
    consider(x.second.matched);
  consider(holds(rule::count_persisted_only) ? persisted_ : log_.last_index());
  if (commit_ > before)
    leave_if_removed();
}

void core::leave_if_removed() {
  auto& members = log_.members();
  if (changes_members() || members.has_voter(how_.self))
    return;
  flush();
  auto best = std::max_element(progress_.begin(), progress_.end(), [&](auto& a, auto& b) {
    auto rank = [&](auto& x) { return std::pair(members.has_voter(x.first), x.second.matched); };
    return rank(a) < rank(b);
  });
  if (best != progress_.end())
    send(best->first, transfer_order{});
  become_follower(vote_.term, nobody);
}

void core::finish_transfer(member_id to) {
  auto x = progress_.find(to);
  if (to != transfer_to_ || x == progress_.end() || x->second.matched != log_.last_index())
    return;
  send(to, transfer_order{});
}

// -- reads ---------------------------------------------------------------------------------------

bool core::was_answered(std::uint64_t round) const {
  return is_quorum([&](member_id x) {
    auto i = progress_.find(x);
    return x == how_.self || (i != progress_.end() && i->second.round >= round);
  });
}

void core::start_reads() {
  bool waits = pending_reads_.empty() || pending_reads_.front().round != 0;
  if (waits || (!knows_commit() && holds(rule::read_after_own_term)))
    return;
  for (auto& x : pending_reads_) {
    x.index = commit_;
    x.round = round_ + 1;
  }
  send_heartbeats();
  release_reads();
}

void core::release_reads() {
  while (!pending_reads_.empty() && pending_reads_.front().round != 0
         && (was_answered(pending_reads_.front().round) || !holds(rule::read_after_round))) {
    reads_.push_back({pending_reads_.front().id, pending_reads_.front().index});
    pending_reads_.pop_front();
  }
}

} // namespace nacre::raft
