#pragma once

#include "actors/cluster_view.hpp"
#include "actors/node_context.hpp"

/// How a change that a client of this node made becomes a record of the cluster. In a standalone
/// node none of this does anything. Called by the actor that the record belongs to: that of the
/// connection, or the client's CLIENT SHARD.
namespace nacre {

/// The client published `x`: a new version.
void replicate(node_context& context, const publication_ptr& x);

/// The health of what the client published is judged anew: the version stays.
void replicate_health(node_context& context, const publication_ptr& x);

/// The publication is gone: a new version if it was taken back (`removed`), the old one if its
/// client was lost (`lapsed`).
void replicate_end(node_context& context, const lease_ptr& held_by, record_state gone,
                   std::int64_t now_ms);

/// Has all peers hear what is known of a record now.
void tell_peers(const node_context& context, const lease_ptr& held_by);

/// Has one peer hear of it.
void tell_peer(const node_context& context, const std::string& address, const lease_ptr& held_by);

/// Gives what a peer told to the shards of the clients; `done` is let go of when readers see it.
void deal_records(const node_context& context, const std::string& from,
                  std::vector<instance_record> records, const ticket_ptr& done);

// -- records on the wire -------------------------------------------------------------------------

record_key key_of(const replica& x);

instance_record record_of(const cluster_context& cluster, const replica& x, std::int64_t now_ms);

/// The client that a key names, connections as those of other nodes. Nothing if it is no client.
std::optional<client_id> client_of(const record_key& key);

/// How long ago anybody heard of a client that beats, as far as its lease knows.
std::int64_t idle_of(const lease& x, std::int64_t now_ms);

} // namespace nacre
