#pragma once

#include <string>
#include <string_view>

#include "actors/node_context.hpp"

/// What the edges ask of `naming/`, as verbs: which actor hears what is known here alone. Any
/// thread; answers come by the tickets.
namespace nacre::naming {

/// Registers or updates an instance of the client that it names by its address.
void register_instance(const node_context& node, service_ref service, instance what,
                       change_cause cause, ticket_ptr answer);

/// Takes the instance of that address back.
void deregister_instance(const node_context& node, service_ref service, const instance& what,
                         change_cause cause, ticket_ptr answer);

/// A client beats: renews its lease.
/// @param later makes the ticket that answers, of what is known of the lease; called only if an
/// actor has to hear of the beat
/// @returns `renewed`: done; `unhealthy`: the ticket answers; `unknown`: nothing happened
template <class MakeTicket>
renewal_result beat(const node_context& node, const service_ref& service, const client_id& client,
                    MakeTicket later) {
  auto result = node.tables.leases.renew(hashed_service_key(*service), client.ip, client.port,
                                         node.clock.steady());
  if (result.state == renewal::unhealthy)
    caf::anon_send(node.shard(client), revive_instance{service, client, later(result)});
  return result;
}

/// Who asks for pushes, as operators are shown it.
struct subscriber_info {
  std::string app;
  std::string agent;
};

/// An ip:port client wants pushes; a known subscription is renewed without a message.
void subscribe(const node_context& node, const service_key_view& service, client_id client,
               std::string_view clusters, subscriber_info info);

} // namespace nacre::naming
