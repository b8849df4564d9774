// The group that agrees: how it fares, who leads it, and what operators do about it. nacre's own
// `/nacre/admin/store`, and what tools ask Nacos' Raft (`CoreOpsController`, and `RaftController`
// of 1.x).
#include "http/api/admin_call.hpp"
#include "http/server/routes.hpp"
#include "protocol/json_reader.hpp"

namespace nacre {

namespace {

template <class Message>
std::optional<reply> ask_store(const http_call& c, Message message) {
  caf::anon_send(c.context().actors.store.get(), std::move(message));
  return std::nullopt;
}

std::optional<reply> show_store(http_call& c) {
  return ask_store(c, describe_store{c.later(report_or_error)});
}

/// A copy of what is on the disk, as `nacre restore` takes it.
std::optional<reply> copy_call(http_call& c) {
  auto answer = c.later([](const outcome& result) {
    if (!result.ok())
      return report_or_error(result);
    reply x;
    x.content_type = "application/vnd.sqlite3";
    x.body = result.text;
    return x;
  });
  caf::anon_send(c.context().actors.store_writer.get(), copy_store{std::move(answer)});
  return std::nullopt;
}

reply done_or_error(const outcome& result) {
  return report_or_error(result.ok() ? outcome{ec::none, R"({"done":true})"} : result);
}

/// `to=` an address or the identity of a voter; the best prepared one if it is missing.
std::optional<reply> transfer_call(http_call& c) {
  return ask_store(c, transfer_leadership{std::string(c.optional("to")), c.later(done_or_error)});
}

/// `member=` the identity of one that will not come back.
std::optional<reply> remove_call(http_call& c) {
  return ask_store(c, remove_member{std::string(c.required("member")), c.later(done_or_error)});
}

/// Of one service, or of all: what operators said of instances.
std::optional<reply> show_overrides(http_call& c) {
  describe_overrides request;
  request.service = named_service(c, "service");
  request.offset = static_cast<std::size_t>(std::max(c.int_or("offset", 0), 0));
  request.limit = static_cast<std::size_t>(std::clamp(c.int_or("limit", 1'000), 0, 10'000));
  request.answer = c.later(report_or_error);
  caf::anon_send(c.context().actors.metadata.get(), std::move(request));
  return std::nullopt;
}

/// The leader as JSON in a string, as 1.x tells it.
std::optional<reply> leader_v1(http_call& c) {
  auto group = c.context().agreeing_group.get();
  if (!group || (group->leader.empty() && !group->leads_here))
    return text_error(500, "the nodes of the cluster have no leader");
  auto leader = group->leads_here ? c.own_address() : group->leader;
  json_writer peer;
  peer.begin_object()
    .field("ip", leader)
    .field("voteFor", leader)
    .field("term", group->term)
    .field("leaderDueMs", 0)
    .field("heartbeatDueMs", 0)
    .field("state", "LEADER")
    .end_object();
  json_writer out;
  out.begin_object().field("leader", peer.view()).end_object();
  return json_reply(out.take());
}

// -- /core/ops/raft: a command as JSON, {"groupId":…,"command":…,"value":…} ----------------------

struct raft_command {
  std::string name;
  std::string value;
};

raft_command read_command(const http_call& c) {
  json_document body(c.request.body);
  if (!body.root().is_object())
    throw refusal{container_error(400, "the body is no JSON object", c.request.uri)};
  auto text = [&](std::string_view key) { return body.root()[key].scalar_text().value_or(""); };
  return {text("command"), text("value")};
}

using render_outcome = reply (*)(const outcome&);

std::optional<reply> run_command(http_call& c, render_outcome render) {
  auto command = read_command(c);
  if (command.name == "transferLeader")
    return ask_store(c, transfer_leadership{std::move(command.value), c.later(render)});
  if (command.name == "removePeer")
    return ask_store(c, remove_member{std::move(command.value), c.later(render)});
  return render({ec::illegal_value,
                 "no such command: transferLeader and removePeer are served; members follow the "
                 "list of members, and states are stored when the log is long"});
}

reply rest_result(const outcome& result) {
  if (result.ok())
    return rest_result_reply("null");
  json_writer out;
  out.begin_object().field("code", 500).field("message", result.text).null_field("data");
  out.end_object();
  return json_reply(out.take());
}

reply result(const outcome& done) { return done_reply(dialect::result, done, "null"); }

std::optional<reply> command_v1(http_call& c) { return run_command(c, rest_result); }
std::optional<reply> command_v3(http_call& c) { return run_command(c, result); }

} // namespace

void add_store_routes(route_table& table) {
  constexpr auto admin = api_family::admin;
  constexpr auto core = api_family::core;
  table["/nacre/admin/store"] = {admin, show_store};
  table["/nacre/admin/store/copy"] = {admin, copy_call};
  table["/nacre/admin/store/transfer"] = {.family = admin, .post = transfer_call};
  table["/nacre/admin/store/remove"] = {.family = admin, .post = remove_call};
  table["/nacre/admin/overrides"] = {admin, show_overrides};
  table["/v1/ns/raft/leader"] = {api_family::naming_v1, leader_v1};
  for (std::string_view path : {"/v1/core/ops/raft", "/v2/core/ops/raft"})
    table[path] = {.family = core, .post = command_v1};
  table["/v3/admin/core/ops/raft"] = {.family = core, .post = command_v3};
}

} // namespace nacre
