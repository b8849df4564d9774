// What the STORE has to do with those of other nodes: finding each other, a group that begins or
// changes, messages of the cores.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/distro/cluster_context.hpp"
#include "actors/store/store.hpp"
#include "protocol/unreadable_frame.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

constexpr milliseconds hello_interval{500};
/// As long as there is no leader.
constexpr milliseconds early_hello_interval{200};

/// A group that never did anything is left after so long without a leader.
constexpr milliseconds blank_group_patience{10'000};

} // namespace

bool store_state::send(const std::string& address, decltype(store_message::what) what) {
  auto peer = context->cluster->peers.find(address);
  return peer
         && context->cluster->send(*peer,
                                   store_message{identity.group, identity.self, std::move(what)});
}

bool store_state::send(raft::member_id to, decltype(store_message::what) what) {
  auto address = members ? members->address_of(to) : std::string();
  return !address.empty() && send(address, std::move(what));
}

void store_state::send_messages() {
  for (auto& x : core->take_messages())
    send(x.to, store_raft{x.to, x.term, std::move(x.body)});
}

void store_state::on_heard(store_heard& msg) {
  if (!members || identity.self == raft::nobody || founding)
    return; // it is not known yet who this is
  if (msg.what.from == identity.self) {
    if (complained_of.insert(msg.address).second)
      spdlog::error(
        "store-identity-twice: {} has a copy of this node's data folder; one of the two "
        "has to begin with an empty one",
        msg.address);
    return;
  }
  std::visit([&](auto& x) { on_peer(msg, x); }, msg.what.what);
}

// -- finding each other --------------------------------------------------------------------------

void store_state::list_members() {
  auto view = context->cluster->now();
  std::vector<std::string> addresses;
  for (auto& x : view->members())
    addresses.push_back(x.address);
  std::sort(addresses.begin(), addresses.end());
  members->list(std::move(addresses));
}

void store_state::greet(const std::string& address) {
  if (send(address, store_hello{members->listed(), is_blank(), leader()}))
    greeted.insert(address);
  else
    greeted.erase(address);
}

/// In an interval, when there is news, and at once where a link has opened.
void store_state::say_hello() {
  if (identity.self == raft::nobody)
    return;
  auto now = context->clock.steady();
  std::tuple content(identity, is_blank(), leader());
  auto interval = leader() == raft::nobody ? early_hello_interval : hello_interval;
  bool to_all = now - hello_said >= interval || content != hello_content;
  if (to_all)
    hello_said = now;
  hello_content = content;
  for (auto& address : members->listed())
    if (address != context->cluster->self && (to_all || greeted.count(address) == 0))
      greet(address);
}

void store_state::on_peer(const store_heard& from, const store_hello& x) {
  auto group = from.what.group;
  bool is_new = members->address_of(from.what.from) != from.address;
  members->hear(from.address, group, from.what.from, x, context->clock.steady());
  if (is_new)
    greet(from.address); // it may not know this one either
  if (!core || group == identity.group || group == 0)
    return;
  if (is_blank() && leader() == raft::nobody && x.leader != raft::nobody)
    return leave_group("another one has a leader");
  if (!is_blank() && !x.is_blank && complained_of.insert(from.address).second)
    spdlog::error("store-other-group: {} keeps what another cluster agreed on; what it has is lost "
                  "to this one unless it is brought over, and it takes part only with an empty "
                  "data folder",
                  from.address);
}

void store_state::leave_group(std::string_view why) {
  spdlog::info("store-group-left {}: {}", identity.group, why);
  core.reset();
  writing = nullptr;
  identity = {random_id(), 0};
  without_leader_since = context->clock.steady();
}

void store_state::found(std::uint64_t group, raft::membership group_members) {
  founding = true;
  core.reset();
  writing = nullptr;
  self->send(context->actors.store_writer.get(),
             found_store{identity.self, group, std::move(group_members)});
}

// -- a group that begins -------------------------------------------------------------------------

void store_state::begin_a_group() {
  auto now = context->clock.steady();
  if (identity.self == raft::nobody || founding || !is_blank() || leader() != raft::nobody)
    return;
  if (core && never_voted() && now - without_leader_since >= blank_group_patience)
    return leave_group("it does not begin");
  if (!core) {
    if (auto voters = members->founding(identity.self, now, random())) {
      auto group = random_id();
      spdlog::info("store-group-begins {} of {} members", group, voters->voters.size());
      found(group, std::move(*voters));
    }
    return;
  }
  // Those who were to begin it with this node may not have heard.
  if (now - offer_sent < early_hello_interval)
    return;
  offer_sent = now;
  for (auto& [address, x] : members->stores())
    if (x.said.is_blank && x.group != identity.group && core->entries().members().has_voter(x.id))
      send(address, store_offer{core->entries().members()});
}

/// Of several groups that are offered the one of the lowest number begins.
void store_state::on_peer(const store_heard& from, const store_offer& x) {
  auto group = from.what.group;
  bool is_lower = group != 0 && (identity.group == 0 || group < identity.group);
  if (is_lower && is_blank() && never_voted() && x.members.has_voter(identity.self))
    found(group, x.members);
}

// -- a group that is there -----------------------------------------------------------------------

bool store_state::is_of_group(const store_heard& from) {
  members->note_address(from.address, from.what.from);
  return core && from.what.group == identity.group;
}

void store_state::on_peer(const store_heard& from, store_raft& x) {
  if (x.to != identity.self)
    return;
  if (!core && from.what.group != 0)
    return found(from.what.group, {}); // it takes this node in, and will say so again
  if (!is_of_group(from))
    return;
  core->step({from.what.from, x.to, x.term, std::move(x.body)});
  work_later();
}

void store_state::on_peer(const store_heard& from, store_request& x) {
  if (!is_of_group(from) || !core->leads() || in_log.size() >= requests_in_log_max)
    return;
  for (auto& request : x.requests)
    try {
      propose_once(std::move(request));
    } catch (const unreadable_frame& bad) {
      if (complained_of.insert(from.address).second)
        spdlog::error("store-request-unreadable of {}: {}", from.address, bad.what());
    }
  work_later();
}

void store_state::on_peer(const store_heard& from, const store_read& x) {
  if (!is_of_group(from) || !core->leads() || reads_of_others.size() >= waiting_max)
    return;
  core->read(++last_read);
  reads_of_others[last_read] = {from.what.from, x.id};
  work_later();
}

void store_state::on_peer(const store_heard& from, const store_read_answer& x) {
  auto known = is_of_group(from) ? reads.find(x.id) : reads.end();
  if (known == reads.end())
    return;
  known->second.index = x.index;
  work_later();
}

void store_state::tend_group() {
  if (!core || !core->leads())
    return;
  auto next = members->next_members(*core, identity.group, context->clock.steady());
  if (!next || !core->change_members(*next))
    return;
  spdlog::info("store-group-changes to {} voters and {} learners", next->voters.size(),
               next->learners.size());
}

} // namespace nacre
