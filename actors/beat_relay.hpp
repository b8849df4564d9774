#pragma once

#include "actors/actor_base.hpp"
#include "actors/cluster_view.hpp"

namespace nacre {

/// State of the BEAT RELAY: a beat is answered by the node it arrives at; the node that judges the
/// client hears of it here, with many others, a moment later.
struct beat_relay_state : actor_state {
  static inline const char* name = "beat-relay";

  explicit beat_relay_state(beat_relay_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);
  void on_tick(const caf::tick_atom& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  beat_relay_actor::pointer self;
  node_context_ptr context;
  std::uint64_t passed_on = 0;
};

beat_relay_actor::behavior_type
beat_relay(beat_relay_actor::stateful_pointer<beat_relay_state> self, node_context_ptr context,
           actor_origin_ptr origin);

/// Beats that a peer passed on: renews the leases, or passes them on once more if this node does
/// not judge them and nobody else has relayed them before. Any actor.
void take_renewals(node_context& context, cluster_peer& from, const renewals& msg,
                   std::int64_t now_ms);

} // namespace nacre
