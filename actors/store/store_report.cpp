// How the STORE fares, for operators.
#include "actors/distro/cluster_context.hpp"
#include "actors/store/store.hpp"
#include "protocol/json_writer.hpp"

namespace nacre {

namespace {

/// No double holds all of them.
std::string text_of(raft::member_id x) { return std::to_string(x); }

} // namespace

void store_state::on_describe(const describe_store& msg) {
  json_writer out;
  out.begin_object();
  details(out);
  out.end_object();
  complete(msg.answer, {ec::none, out.take()});
}

std::string store_state::summary() const {
  if (identity.self == raft::nobody)
    return "reads its disk";
  if (!core)
    return "belongs to no group yet";
  return std::string(to_string(core->role())) + " of term " + std::to_string(core->term()) + ", "
         + std::to_string(core->applied()) + " of " + std::to_string(core->entries().last_index())
         + " applied" + (failing.empty() ? "" : ", the disk fails");
}

std::string store_state::address_of(raft::member_id x) const {
  if (!context->cluster)
    return {};
  return x == identity.self ? context->cluster->self : members->address_of(x);
}

void store_state::publish_view() {
  auto& group = core->entries().members();
  std::tuple now(core->term(), leader(), group, address_of(leader()));
  if (now == published)
    return;
  store_view x{core->term(), address_of(leader()), core->leads(), {}};
  for (auto id : group.voters)
    if (auto address = address_of(id); !address.empty())
      x.voters.push_back(std::move(address));
  context->agreeing_group.set(std::make_shared<const store_view>(std::move(x)));
  published = std::move(now);
}

void store_state::write_members(json_writer& out) const {
  auto& group = core->entries().members();
  auto write = [&](raft::member_id id, bool votes) {
    out.begin_object().field("id", text_of(id)).field("votes", votes);
    if (auto address = address_of(id); !address.empty())
      out.field("address", address);
    if (auto x = core->members().find(id); x != core->members().end())
      out.field("matchedIndex", x->second.matched)
        .field("lag", core->entries().last_index() - x->second.matched)
        .field("answers", x->second.active)
        .field("getsState", x->second.how == raft::progress::state::state);
    out.end_object();
  };
  out.key("members").begin_array();
  for (auto id : group.voters)
    write(id, true);
  for (auto id : group.learners)
    write(id, false);
  out.end_array();
}

void store_state::details(json_writer& out) const {
  out.field("self", text_of(identity.self)).field("group", text_of(identity.group));
  if (core) {
    out.field("role", to_string(core->role()))
      .field("leader", text_of(core->leader()))
      .field("term", core->term())
      .field("commitIndex", core->commit())
      .field("appliedIndex", core->applied())
      .field("seenIndex", seen_index())
      .field("persistedIndex", core->persisted())
      .field("lastIndex", core->entries().last_index())
      .field("firstIndex", core->entries().base().index + 1)
      .field("logBytes", core->entries().bytes());
    write_members(out);
  }
  out.field("waitingWrites", proposed.size())
    .field("waitingBytes", proposed_bytes)
    .field("waitingReads", reads.size())
    .field("lastStateBytes", state_bytes)
    .field("storedStates", stored_states);
  out.key("disk")
    .begin_object()
    .field("rounds", rounds)
    .field("slowestRoundMs", to_ms(slowest_round))
    .field("failing", failing)
    .end_object();
  std::size_t overrides = 0;
  std::size_t metadata = 0;
  for (auto& [service, x] : state.services()) {
    overrides += x.overrides ? x.overrides->size() : 0;
    metadata += x.metadata ? 1 : 0;
  }
  out.key("holds")
    .begin_object()
    .field("services", state.services().size())
    .field("instances", state.instances())
    .field("overrides", overrides)
    .field("servicesWithSettings", metadata)
    .field("namespaces", state.namespaces().size())
    .end_object();
}

} // namespace nacre
