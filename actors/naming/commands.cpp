#include "actors/naming/commands.hpp"

namespace nacre::naming {

namespace {

client_id client_of(const instance& x) {
  return {x.ip, x.port, x.ephemeral ? client_kind::ephemeral : client_kind::persistent};
}

/// On a persistent instance all nodes have to agree; an ephemeral one is its client's.
template <class Write>
void send_to_owner(const node_context& node, Write write) {
  if (write.client.kind == client_kind::persistent)
    caf::anon_send(node.actors.metadata.get(), std::move(write));
  else
    caf::anon_send(node.shard(write.client), std::move(write));
}

} // namespace

void register_instance(const node_context& node, service_ref service, instance what,
                       change_cause cause, ticket_ptr answer) {
  auto client = client_of(what); // before `what` goes
  send_to_owner(node,
                nacre::register_instance{std::move(service), std::move(client), std::move(what),
                                         std::move(cause), std::move(answer)});
}

void deregister_instance(const node_context& node, service_ref service, const instance& what,
                         change_cause cause, ticket_ptr answer) {
  send_to_owner(node, nacre::deregister_instance{std::move(service), client_of(what),
                                                 std::move(cause), std::move(answer)});
}

void subscribe(const node_context& node, const service_key_view& service, client_id client,
               std::string_view clusters, subscriber_info info) {
  if (auto view = node.tables.directory.find(service))
    if (auto known = view->subscribers.find(client); known && (*known)->wants(clusters)) {
      (*known)->lease->renewed = node.clock.steady();
      return;
    }
  auto shard = node.shard(client);
  caf::anon_send(shard, subscribe_client{make_service_ref(service), std::move(client),
                                         std::string(clusters), std::move(info.app),
                                         std::move(info.agent)});
}

} // namespace nacre::naming
