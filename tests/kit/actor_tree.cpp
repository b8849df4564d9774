#include "tests/kit/actor_tree.hpp"

#include <deque>

namespace nacre::test {

namespace {

/// Nothing if the actor does not answer.
std::optional<actor_status> status_of(deterministic& host, const caf::actor& actor) {
  std::optional<actor_status> status;
  status_request request;
  request.children.limit = 1'000'000;
  auto answer = host.self->request(caf::actor_cast<status_actor>(actor), caf::infinite, request);
  host.settle();
  answer.receive([&](actor_status& x) { status = std::move(x); }, [](const caf::error&) {});
  return status;
}

} // namespace

std::vector<tree_entry> actor_tree(deterministic& host, const node_context& context) {
  std::vector<tree_entry> found{
    {node_state::name, "", 0, caf::actor_cast<caf::actor>(context.actors.node.get())}};
  std::deque<caf::actor> supervisors{found.front().actor};
  for (; !supervisors.empty(); supervisors.pop_front()) {
    auto& supervisor = supervisors.front();
    auto status = status_of(host, supervisor);
    if (!status)
      continue;
    for (auto& child : status->children.named) {
      auto actor = caf::actor_cast<caf::actor>(child.actor);
      found.push_back({child.kind->name, child.key, supervisor.id(), actor});
      if (child.kind->supervises)
        supervisors.push_back(actor);
    }
  }
  return found;
}

} // namespace nacre::test
