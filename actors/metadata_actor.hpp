#pragma once

#include <map>
#include <string>
#include <utility>

#include "actors/actor_base.hpp"

namespace nacre {

/// State of METADATA: the one writer of the METADATA STORE. What it writes it tells the service,
/// which completes the ticket once readers see it. In a cluster it refuses what all nodes would
/// have to agree on; switches are each node's own.
struct metadata_state : actor_state {
  static inline const char* name = "metadata";

  explicit metadata_state(metadata_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_put_overlays(const put_overlays& msg);
  void on_create_service(const create_service& msg);
  void on_update_service(const update_service& msg);
  void on_service_ended(const service_ended& msg);
  void on_put_namespace(const put_namespace& msg);
  void on_delete_namespace(const delete_namespace& msg);
  void on_set_switch(const set_switch& msg);
  void on_tick(const caf::tick_atom& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  /// Has a service that exists take over what is stored; else completes with `otherwise`.
  void tell_service(const service_ref& service, const ticket_ptr& answer, outcome otherwise);
  void expire_overlays(const service_ref& service);

  metadata_actor::pointer self;
  node_context_ptr context;
  /// Since when (ms of the steady clock) the instance of an override is gone.
  std::map<std::pair<service_ref, std::string>, std::int64_t> absent_since;
};

metadata_actor::behavior_type metadata_keeper(metadata_actor::stateful_pointer<metadata_state> self,
                                              node_context_ptr context, actor_origin_ptr origin);

} // namespace nacre
