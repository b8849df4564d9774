#include "actors/inspector.hpp"

#include "actors/client_shard.hpp"
#include "actors/metadata_actor.hpp"
#include "actors/node.hpp"
#include "actors/push_engine.hpp"
#include "actors/service.hpp"
#include "actors/service_registry.hpp"
#include "actors/udp_push.hpp"
#include "protocol/json_writer.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// An actor that does not answer within this time is shown without its summary.
constexpr auto patience = 1s;

/// Calls `f(status_actor, kind)` with each actor of the node, parents first.
template <class F>
void for_each_actor(const node_context& context, F f) {
  auto one = [&](const auto& handle, const char* kind) {
    if (handle)
      f(caf::actor_cast<status_actor>(handle), kind);
  };
  one(context.node.get(), node_state::name);
  one(context.metadata.get(), metadata_state::name);
  one(context.push_engine.get(), push_engine_state::name);
  one(context.udp_push.get(), udp_push_state::name);
  one(context.inspector.get(), inspector_state::name);
  for (auto& shard : context.shards)
    one(shard.get(), client_shard_state::name);
  one(context.registry.get(), service_registry_state::name);
  context.directory.for_each([&](const service_ref&, const service_actor& actor,
                                 const service_view_ptr&) { one(actor, service_state::name); });
}

void write(json_writer& out, const actor_status& x) {
  out.begin_object()
    .field("id", x.id)
    .field("kind", x.kind)
    .field("key", x.key)
    .field("parent", x.parent)
    .field("summary", x.summary)
    .field("mailboxLength", x.mailbox_length)
    .field("messagesHandled", x.messages_handled)
    .field("restarts", x.restarts)
    .field("lastFailure", x.last_failure)
    .field("ageMs", x.age_ms);
  if (!x.details.empty())
    out.key("details").raw(x.details);
  out.end_object();
}

/// What is known of an actor that did not answer.
actor_status silent(const status_actor& actor, const char* kind, const std::string& why) {
  actor_status status;
  status.id = actor.id();
  status.kind = kind;
  status.summary = "no answer: " + why;
  return status;
}

/// Answers that come in while a report is made.
struct gathering {
  std::vector<actor_status> rows;
  std::size_t missing = 0;
  std::size_t total = 0;
  ticket_ptr answer;

  void finish() const {
    json_writer out;
    out.begin_object().field("count", total).key("actors").begin_array();
    for (auto& row : rows)
      write(out, row);
    out.end_array().end_object();
    answer->complete({ec::none, out.take()});
  }
};

} // namespace

status_actor find_actor_by_id(const node_context& context, std::uint64_t id) {
  status_actor found;
  for_each_actor(context, [&](const status_actor& x, const char*) {
    if (x.id() == id)
      found = x;
  });
  return found;
}

std::vector<inspector_state::listed> inspector_state::all_actors() const {
  std::vector<listed> actors;
  for_each_actor(*context,
                 [&](const status_actor& x, const char* kind) { actors.push_back({x, kind}); });
  return actors;
}

void inspector_state::on_inspect(const inspect& msg) {
  auto actors = all_actors();
  if (msg.id)
    inspect_one(msg, actors);
  else
    inspect_all(msg, actors);
}

void inspector_state::inspect_one(const inspect& msg, const std::vector<listed>& actors) {
  auto i = std::find_if(actors.begin(), actors.end(),
                        [&](const listed& x) { return x.actor.id() == *msg.id; });
  if (i == actors.end())
    return complete(msg.answer, {ec::service_not_found,
                                 "no actor has the id " + std::to_string(*msg.id)});
  auto finish = [answer = msg.answer](const actor_status& status) {
    json_writer out;
    write(out, status);
    answer->complete({ec::none, out.take()});
  };
  if (i->actor == caf::actor_cast<status_actor>(inspector_actor::pointer(self)))
    return finish(make_status(self, *this, "", "writes this report"));
  self->request(i->actor, patience, status_request{true})
    .then([finish](const actor_status& status) { finish(status); },
          [finish, who = *i, this](const caf::error& err) {
            finish(silent(who.actor, who.kind, self->system().render(err)));
          });
}

void inspector_state::inspect_all(const inspect& msg, const std::vector<listed>& actors) {
  auto gathered = std::make_shared<gathering>();
  gathered->answer = msg.answer;
  std::vector<listed> wanted;
  for (auto& x : actors) {
    if (!msg.kind.empty() && msg.kind != x.kind)
      continue;
    if (gathered->total++ >= msg.offset && wanted.size() < msg.limit)
      wanted.push_back(x);
  }
  gathered->rows.resize(wanted.size());
  gathered->missing = wanted.size();
  if (wanted.empty())
    return gathered->finish();
  auto put = [gathered](std::size_t row, actor_status status) {
    gathered->rows[row] = std::move(status);
    if (--gathered->missing == 0)
      gathered->finish();
  };
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    auto& who = wanted[row];
    self->request(who.actor, patience, status_request{})
      .then([put, row](const actor_status& status) { put(row, status); },
            [put, row, who, this](const caf::error& err) {
              put(row, silent(who.actor, who.kind, self->system().render(err)));
            });
  }
}

caf::result<actor_status> inspector_state::on_status(const status_request&) {
  return make_status(self, *this, "", "writes this report");
}

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         node_context_ptr context, actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context));
  return {
    on<&inspector_state::on_inspect>(self),
    on<&inspector_state::on_status>(self),
  };
}

} // namespace nacre
