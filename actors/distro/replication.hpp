#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/distro/cluster_context.hpp"
#include "actors/node_context.hpp"

/// How publications become records of the cluster, and records publications.
namespace nacre {

/// Makes the changes of one actor's clients records of the cluster, and has peers hear of them: of
/// all changes of one turn of the actor by one message each. Part of the state of the actor that
/// the records belong to: a CONNECTION CLIENT, or the CLIENT SHARD of the client. In a standalone
/// node it does nothing.
class replicator {
public:
  /// @param self has a behaviour line for `announce_changes` that calls `flush`
  replicator(caf::local_actor* self, node_context& node);

  /// The client published `x`: a new version.
  void changed(const publication_ptr& x);

  /// Another verdict about the health of what the client published: the version stays.
  void health_changed(const publication_ptr& x);

  /// The publication is gone: a new version if it was taken back (`removed`), the old one if its
  /// client was lost (`lapsed`).
  void ended(const lease_ptr& lease, record_state gone);

  /// Has all peers hear what is known of a record.
  void announce(const lease_ptr& lease);

  /// Has one peer hear of it.
  void announce_to(const std::string& peer, const lease_ptr& lease);

  /// The turn is over: peers are told.
  void flush();

private:
  bool replicates(const client_id& client) const;
  void wake();

  caf::local_actor* self_;
  node_context& node_;
  std::vector<lease_ptr> changes_;
  std::map<std::string, std::vector<lease_ptr>> for_one_;
};

/// Gives what a peer told to the shards of the clients; `done` is released when readers see it.
void dispatch_records(const node_context& context, const std::string& from,
                      std::vector<instance_record> records, const ticket_ptr& done);

// -- records on the wire -------------------------------------------------------------------------

record_key key_of(const replica& x);

instance_record record_of(const cluster_view& cluster, const replica& x, steady_time now);

/// What it takes in a message, which is cut by it.
std::size_t wire_bytes(const instance_record& x);

/// The client that a key names, connections as those of other nodes. Nothing if it is no client.
std::optional<client_id> client_of(const record_key& key);

/// How long ago anybody heard of a client that beats, as far as its lease knows.
milliseconds idle_of(const lease& x, steady_time now);

} // namespace nacre
