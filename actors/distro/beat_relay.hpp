#pragma once

#include "actors/actor_base.hpp"
#include "actors/distro/cluster_context.hpp"

namespace nacre {

/// State of the BEAT RELAY: a beat is answered by the node it arrives at; the node that is
/// responsible for the client hears of it here, with many others, a moment later.
struct beat_relay_state : actor_state {
  static constexpr const char* name = "beat-relay";

  explicit beat_relay_state(beat_relay_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);
  void on_tick(const caf::tick_atom& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  beat_relay_actor::pointer self;
  node_context_ptr context;
  std::uint64_t passed_on = 0;
};

beat_relay_actor::behavior_type
beat_relay(beat_relay_actor::stateful_pointer<beat_relay_state> self, node_context_ptr context,
           birth_ptr birth);

/// Beats that a peer passed on: renews the leases, or passes them on once more if
/// another node is responsible and nobody else has relayed them before. Any actor.
void take_renewals(node_context& context, cluster_peer& from, const renewals& msg, steady_time now);

} // namespace nacre
