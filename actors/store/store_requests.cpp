// What waits for the group: writes that are to be agreed on, reads that must see them.
#include <spdlog/spdlog.h>

#include "actors/store/store.hpp"
#include "protocol/store_codec.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// Who asks is told after this time that nothing was agreed on.
constexpr milliseconds patience{3'000};

/// What the leader did not answer is sent again; it may not have got it.
constexpr milliseconds resend_after{500};

/// One request, which has to fit one frame of 16 MiB with what surrounds it; and all that wait.
constexpr std::size_t request_bytes_max = 8 * 1024 * 1024;
constexpr std::size_t waiting_bytes_max = 64 * 1024 * 1024;

/// Of requests in one frame, about.
constexpr std::size_t frame_bytes = 256 * 1024;

/// A leadership is handed over within this time, or not at all.
constexpr milliseconds transfer_patience{1'000};

constexpr auto no_leader = "the nodes of the cluster have no leader: more than half of them must "
                           "hear each other";

} // namespace

void store_state::on_propose(propose& msg) {
  if (msg.by_leader_only && !(core && core->leads()))
    return;
  if (!failing.empty())
    return complete(msg.answer, {ec::unavailable, "the disk of this node fails: " + failing});
  if (proposed.size() >= waiting_max || proposed_bytes >= waiting_bytes_max)
    return complete(msg.answer, {ec::unavailable, "too many writes wait to be agreed on"});
  agreed::request x;
  x.session = session;
  x.number = last_number + 1;
  x.answered_below = proposed.empty() ? x.number : proposed.begin()->first;
  x.by = std::move(msg.by);
  x.at_ms = to_ms(context->clock.wall());
  x.what = std::move(msg.what);
  auto request = encode_request(x);
  if (request.size() > request_bytes_max)
    return complete(msg.answer, {ec::limit_reached, "it takes " + std::to_string(request.size())
                                                      + " bytes, and what is agreed on at once may "
                                                        "not take more than "
                                                      + std::to_string(request_bytes_max)});
  proposed_bytes += request.size();
  proposed.emplace(++last_number, asked{std::move(msg.answer), context->clock.steady() + patience,
                                        std::move(request)});
  work_later();
}

void store_state::send_waiting() {
  if (!shown || leader() == raft::nobody)
    return;
  for (auto next = proposed.upper_bound(last_sent); next != proposed.end(); ++next) {
    last_sent = next->first;
    send_to_leader(next->second);
  }
}

/// Once, and again as long as it is not known to have arrived.
void store_state::send_to_leader(asked& x) {
  auto now = context->clock.steady();
  bool is_under_way = x.sent_in_term == core->term() && now - x.sent < resend_after;
  if (is_under_way || leader() == raft::nobody)
    return;
  if (core->leads())
    propose_once(x.request);
  else
    for_leader.push_back(x.request);
  x.sent = now;
  x.sent_in_term = core->term();
}

/// In few frames: a link holds only so many.
void store_state::send_requests() {
  store_request frame;
  std::size_t bytes = 0;
  for (auto& x : std::exchange(for_leader, {})) {
    bytes += x.size();
    frame.requests.push_back(std::move(x));
    if (bytes < frame_bytes)
      continue;
    send(leader(), std::exchange(frame, {}));
    bytes = 0;
  }
  if (!frame.requests.empty())
    send(leader(), std::move(frame));
}

void store_state::propose_once(std::string bytes) {
  auto request = decode_request(bytes);
  std::pair key(request.session, request.number);
  if (in_log.count(key) == 0 && core->propose(std::move(bytes)))
    in_log.insert(key);
}

void store_state::expire(steady_time now) {
  auto is_late = [now](auto& x) { return x.until <= now; };
  auto why = [&]() -> outcome {
    if (!failing.empty())
      return {ec::unavailable, "the disk of this node fails: " + failing};
    if (leader() == raft::nobody)
      return {ec::unavailable, no_leader};
    return {ec::unavailable, "it was not agreed on within 3 s"};
  };
  // Each that was sent may still take effect.
  std::erase_if(proposed, [&](auto& x) {
    if (!is_late(x.second))
      return false;
    proposed_bytes -= x.second.request.size();
    complete(x.second.answer, why());
    return true;
  });
  std::erase_if(reads, [&](auto& x) {
    if (!is_late(x.second))
      return false;
    complete(x.second.answer, why());
    return true;
  });
  if (transfer && transfer_until <= now)
    complete(std::exchange(transfer, nullptr),
             {ec::unavailable, "the other node did not take over within 1 s"});
}

// -- reads that see all that was acknowledged (§6.4)
// -----------------------------------------------

void store_state::on_confirm_reads(confirm_reads& msg) {
  if (reads.size() >= waiting_max)
    return complete(msg.answer, {ec::unavailable, "too many reads wait for the leader"});
  auto& x = reads[++last_read] = {std::move(msg.answer), context->clock.steady() + patience};
  ask_leader(last_read, x);
  work_later();
}

void store_state::ask_leader(std::uint64_t id, read& x) {
  auto now = context->clock.steady();
  if (x.index || !core || now - x.sent < resend_after)
    return;
  bool is_asked = core->leads() ? core->read(id) : send(leader(), store_read{id});
  if (is_asked)
    x.sent = now;
}

void store_state::take_reads() {
  for (auto& ready : core->take_reads()) {
    if (auto own = reads.find(ready.id); own != reads.end()) {
      own->second.index = ready.index;
    } else if (auto other = reads_of_others.find(ready.id); other != reads_of_others.end()) {
      auto [member, id] = other->second;
      reads_of_others.erase(other);
      send(member, store_read_answer{id, ready.index});
    }
  }
}

void store_state::answer_reads() {
  std::erase_if(reads, [this](auto& x) {
    bool is_seen = x.second.index && seen_index() >= *x.second.index;
    if (is_seen)
      complete(x.second.answer);
    return is_seen;
  });
}

// -- operators -----------------------------------------------------------------------------------

/// Refuses for the caller what only the leader does, and names it.
bool store_state::refuse_unless_leader(const ticket_ptr& answer) const {
  if (core && core->leads())
    return false;
  auto at = members ? members->address_of(leader()) : std::string();
  complete(answer, {ec::illegal_value, at.empty() ? "the nodes of the cluster have no leader"
                                                  : "this node does not lead, ask " + at});
  return true;
}

/// Of an address or an identity in digits; nobody if there is none.
raft::member_id store_state::find_member(const std::string& text) const {
  auto& group = core->entries().members();
  for (auto* ids : {&group.voters, &group.learners})
    for (auto x : *ids)
      if (std::to_string(x) == text || (members && members->address_of(x) == text))
        return x;
  return raft::nobody;
}

raft::member_id store_state::best_successor() const {
  auto best = raft::nobody;
  std::uint64_t matched = 0;
  for (auto& [id, x] : core->members())
    if (x.active && core->entries().members().has_voter(id) && x.matched >= matched) {
      best = id;
      matched = x.matched;
    }
  return best;
}

void store_state::on_transfer(transfer_leadership& msg) {
  if (refuse_unless_leader(msg.answer))
    return;
  if (transfer)
    return complete(msg.answer, {ec::unavailable, "the leadership is being handed over already"});
  auto to = msg.to.empty() ? best_successor() : find_member(msg.to);
  if (!core->transfer(to))
    return complete(msg.answer, {ec::illegal_value, "there is no such voter beside this node"});
  spdlog::info("store-leadership-handed-over to {}", members->address_of(to));
  transfer = std::move(msg.answer);
  transfer_until = context->clock.steady() + transfer_patience;
  work_later();
}

void store_state::on_remove_member(remove_member& msg) {
  if (refuse_unless_leader(msg.answer))
    return;
  auto who = find_member(msg.who);
  if (who == raft::nobody || who == identity.self)
    return complete(msg.answer, {ec::illegal_value, "there is no such member beside this node"});
  if (auto address = members->home_of(who); !address.empty())
    return complete(msg.answer, {ec::illegal_value, "it is at " + address
                                                      + ": take that off the "
                                                        "list of members, then it goes by itself"});
  auto next = core->entries().members();
  std::erase(next.voters, who);
  std::erase(next.learners, who);
  if (!core->change_members(std::move(next)))
    return complete(msg.answer, {ec::unavailable, "the group changes already, try again"});
  spdlog::warn("store-member-removed {} by an operator", who);
  complete(msg.answer);
  work_later();
}

} // namespace nacre
