#include "actors/distro/member_table.hpp"

#include <algorithm>

namespace nacre {

namespace {

/// A peer that refuses for this long is dead; a shorter time may be its restart.
constexpr milliseconds refusal{500};

} // namespace

member_table::member_table(const cluster_options& terms, cluster_view_ptr last, steady_time now)
  : own(last->own()),
    terms_(terms),
    last_(std::move(last)),
    members_(last_->members()),
    began_(now) {
  for (auto& x : members_)
    if (x.last_alive == steady_time{})
      x.last_alive = now;
}

member* member_table::find(const std::string& address) {
  auto i = std::find_if(members_.begin(), members_.end(),
                        [&](const member& x) { return x.address == address; });
  return i == members_.end() ? nullptr : &*i;
}

bool member_table::list(const std::vector<std::string>& addresses, steady_time now) {
  if (std::find(addresses.begin(), addresses.end(), last_->self()) == addresses.end())
    return false;
  std::vector<member> listed;
  for (auto& address : addresses) {
    auto known = find(address);
    auto& x = listed.emplace_back(known ? std::move(*known) : member{address});
    if (!known)
      x.last_alive = now;
  }
  members_ = std::move(listed);
  return true;
}

bool member_table::observe_incarnation(member& x, std::int64_t heard, steady_time at) {
  if (heard <= x.incarnation)
    return heard == x.incarnation;
  if (x.incarnation != 0)
    x.ended_incarnations.emplace(x.incarnation, x.refused_since.value_or(at));
  x.ended_incarnations.emplace(heard - 1, at); // those in between that nobody told of
  x.incarnation = heard;
  x.told_dead_since.reset();
  x.left = false;
  x.loaded = false;
  return true;
}

void member_table::apply(const peer_heard& msg) {
  auto x = find(msg.peer);
  if (!x || !observe_incarnation(*x, msg.incarnation, msg.at) || x->left)
    return;
  x->last_heard = std::max(x->last_heard, std::optional(msg.at));
  x->last_alive = std::max(x->last_alive, msg.at);
  x->refused_since.reset();
  x->told_dead_since.reset();
  x->link_open = msg.link_open; // an earlier word of it may be lost
  if (!msg.heartbeat)
    return;
  auto& said = *msg.heartbeat;
  x->loaded = said.loaded;
  x->records = said.records;
  x->last_heard_us = std::max(x->last_heard_us, said.heard_us);
  for (auto& told : said.others) {
    auto other = told.address == last_->self() ? nullptr : find(told.address);
    if (!other || !observe_incarnation(*other, told.incarnation, told.last_alive.value_or(msg.at)))
      continue;
    if (told.last_alive)
      other->last_alive = std::max(other->last_alive, *told.last_alive);
    else if (!other->told_dead_since || other->last_alive > *other->told_dead_since + refusal)
      other->told_dead_since = msg.at;
  }
}

void member_table::apply(const peer_left& msg) {
  auto x = find(msg.peer);
  if (x && x->incarnation == msg.incarnation)
    x->left = true;
}

void member_table::apply(const link_changed& msg, steady_time now) {
  auto x = find(msg.peer);
  if (!x)
    return;
  x->link_open = msg.open;
  if (msg.open)
    return;
  if (!msg.refused)
    x->refused_since.reset();
  else if (!x->refused_since)
    x->refused_since = now;
}

void member_table::apply(const outbid_incarnation& msg) {
  own.incarnation = std::max(own.incarnation, msg.known + 1);
}

void member_table::forgive_silence(steady_time now) {
  for (auto& x : members_)
    x.last_alive = now;
}

void member_table::detect_state(member& x, steady_time now) const {
  auto silent = now - x.last_alive;
  // A sign that others heard after we were refused counts: the refusal may be between us two.
  bool refused = x.refused_since && now - *x.refused_since >= refusal
                 && (x.incarnation == 0 || x.last_alive <= *x.refused_since + refusal);
  // Who is heard here is not dead, whatever somebody met who can't reach it.
  bool told_dead = x.told_dead_since && x.last_alive <= *x.told_dead_since + refusal
                   && (!x.last_heard || now - *x.last_heard >= terms_.suspicious_after);
  x.dead = refused || told_dead || x.left;
  if (x.dead || silent >= terms_.down_after)
    x.state = member_state::down;
  else if (silent >= terms_.suspicious_after || x.incarnation == 0)
    x.state = member_state::suspicious;
  else
    x.state = member_state::up;
  auto term = x.dead ? terms_.dead_clients_after : terms_.silent_clients_after;
  x.lost = x.state == member_state::down && silent >= term;
  auto& ended = x.ended_incarnations;
  while (!ended.empty() && now - ended.begin()->second >= terms_.dead_clients_after) {
    x.lost_up_to = ended.begin()->first;
    ended.erase(ended.begin());
  }
}

cluster_view_ptr member_table::view(steady_time now) {
  for (auto& x : members_) {
    if (x.address != last_->self()) {
      detect_state(x, now);
      continue;
    }
    x.state = member_state::up;
    x.incarnation = own.incarnation;
    if (now - began_ >= terms_.dead_clients_after)
      x.lost_up_to = x.incarnation - 1;
  }
  if (members_ != last_->members() || own != last_->own())
    last_ = std::make_shared<const cluster_view>(*last_, own, members_, now);
  return last_;
}

} // namespace nacre
