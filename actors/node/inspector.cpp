#include "actors/node/inspector.hpp"

#include <deque>

#include "actors/node/node.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// An actor that does not answer within this time is shown without its summary.
constexpr auto patience = 1s;

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

bool matches(const named_child& x, const children_query& wanted) {
  return (!wanted.id || *wanted.id == x.actor->id())
         && (wanted.kind.empty() || wanted.kind == x.kind->name)
         && x.key.find(wanted.key) != std::string::npos;
}

} // namespace

/// One walk over the supervisors, parents first.
struct inspector_state::tree_walk {
  /// What rows are wanted; the offset shrinks by what was passed already.
  children_query wanted;
  /// Only rows of this supervisor.
  std::optional<std::uint64_t> parent;
  /// Those that are still to be asked.
  std::deque<listed> supervisors;
  std::function<void()> at_end;

  std::map<std::string, std::size_t> by_kind;
  std::size_t matching = 0;
  std::vector<listed> rows;

  /// The root is nobody's child.
  void add_root(const named_child& root) {
    ++matching;
    if (wanted.offset > 0) {
      --wanted.offset;
    } else if (wanted.limit > 0) {
      --wanted.limit;
      rows.push_back({root, 0});
    }
  }

  bool is_found() const { return wanted.id && !rows.empty(); }
};

inspector_state::walk_ptr inspector_state::begin_walk() {
  auto walk = std::make_shared<tree_walk>();
  auto root = caf::actor_cast<caf::strong_actor_ptr>(context->actors.node.get());
  walk->supervisors.push_back({{root, &kind_of<node_state>, ""}, 0});
  return walk;
}

void inspector_state::walk_on(const walk_ptr& walk) {
  if (walk->supervisors.empty() || walk->is_found())
    return walk->at_end();
  auto next = std::move(walk->supervisors.front());
  walk->supervisors.pop_front();
  bool names_rows = !walk->parent || *walk->parent == next.child.actor->id();
  status_request request{false, walk->wanted};
  if (!names_rows)
    request.children.limit = 0;
  self->request(caf::actor_cast<status_actor>(next.child.actor), patience, std::move(request))
    .then(
      [this, walk, next, names_rows](actor_status& status) {
        if (!names_rows)
          status.children.matching = 0;
        take_children(*walk, next, std::move(status.children));
        walk_on(walk);
      },
      [this, walk](const caf::error&) { walk_on(walk); });
}

void inspector_state::take_children(tree_walk& walk, const listed& supervisor,
                                    children_report report) {
  auto parent = supervisor.child.actor->id();
  for (auto& [kind, count] : report.by_kind)
    walk.by_kind[kind] += count;
  walk.matching += report.matching;
  walk.wanted.offset -= std::min(walk.wanted.offset, report.matching);
  walk.wanted.limit -= report.named.size();
  for (auto& x : report.named)
    walk.rows.push_back({std::move(x), parent});
  for (auto& x : report.supervisors)
    walk.supervisors.push_back({std::move(x), parent});
}

template <class F>
void inspector_state::ask(const listed& who, bool detailed, F use) {
  auto finish = [use, who](actor_status status) {
    status.parent = who.parent;
    use(std::move(status));
  };
  if (who.child.actor->id() == self->id())
    return finish(status_of(static_cast<inspector_actor::stateful_pointer<inspector_state>>(self),
                            status_request{detailed, {}}));
  self
    ->request(caf::actor_cast<status_actor>(who.child.actor), patience,
              status_request{detailed, {}})
    .then([finish](actor_status& status) { finish(std::move(status)); },
          [this, finish, who](const caf::error& err) {
            actor_status status;
            status.id = who.child.actor->id();
            status.kind = who.child.kind->name;
            status.key = who.child.key;
            status.summary = "no answer: " + self->system().render(err);
            finish(std::move(status));
          });
}

void inspector_state::on_inspect(const inspect& msg) {
  auto walk = begin_walk();
  walk->parent = msg.parent;
  walk->wanted = {msg.kind, msg.key, msg.id, msg.offset, msg.id ? 1 : msg.limit};
  auto& root = walk->supervisors.front().child;
  ++walk->by_kind[root.kind->name];
  if (!walk->parent && matches(root, walk->wanted))
    walk->add_root(root);
  if (msg.id)
    walk->at_end = [this, walk = std::weak_ptr<tree_walk>(walk), msg] {
      show_one(walk.lock(), msg);
    };
  else
    walk->at_end = [this, walk = std::weak_ptr<tree_walk>(walk), answer = msg.answer] {
      gather(walk.lock(), answer);
    };
  walk_on(walk);
}

void inspector_state::show_one(const walk_ptr& walk, const inspect& msg) {
  if (walk->rows.empty())
    return complete(msg.answer,
                    {ec::no_such_actor, "no actor has the id " + std::to_string(*msg.id)});
  ask(walk->rows.front(), true, [answer = msg.answer](const actor_status& status) {
    json_writer out;
    write(out, status);
    complete(answer, {ec::none, out.take()});
  });
}

/// Has all rows of a walk tell their status, and writes the report when the last one has.
void inspector_state::gather(const walk_ptr& walk, const ticket_ptr& answer) {
  struct report {
    std::vector<actor_status> rows;
    std::size_t missing;
  };
  auto gathered = std::make_shared<report>(
    report{std::vector<actor_status>(walk->rows.size()), walk->rows.size()});
  auto finish = [gathered, walk, answer] {
    json_writer out;
    out.begin_object().field("count", walk->matching).key("kinds").begin_object();
    for (auto& [kind, count] : walk->by_kind)
      out.field(kind, count);
    out.end_object().key("actors").begin_array();
    for (auto& row : gathered->rows)
      write(out, row);
    out.end_array().end_object();
    complete(answer, {ec::none, out.take()});
  };
  if (walk->rows.empty())
    return finish();
  for (std::size_t i = 0; i < walk->rows.size(); ++i)
    ask(walk->rows[i], false, [gathered, finish, i](actor_status status) {
      gathered->rows[i] = std::move(status);
      if (--gathered->missing == 0)
        finish();
    });
}

caf::result<found_actor> inspector_state::on_find(const find_actor& msg) {
  auto walk = begin_walk();
  auto& root = walk->supervisors.front().child.actor;
  if (root->id() == msg.id)
    return found_actor{root};
  auto promise = self->make_response_promise<found_actor>();
  walk->wanted = {"", "", msg.id, 0, 1};
  walk->at_end = [promise, walk = std::weak_ptr<tree_walk>(walk)]() mutable {
    auto ended = walk.lock();
    auto& rows = ended->rows;
    promise.deliver(found_actor{rows.empty() ? nullptr : rows.front().child.actor});
  };
  walk_on(walk);
  return promise;
}

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&inspector_state::on_inspect>(self),
    on<&inspector_state::on_find>(self),
    on_status(self),
  };
}

} // namespace nacre
