#pragma once

#include <optional>

#include "actors/actor_base.hpp"
#include "actors/udp_push_table.hpp"

namespace nacre {

/// State of UDP PUSH: sends datagrams to 1.x clients and waits for their acks.
struct udp_push_state : actor_state {
  static inline const char* name = "udp-push";

  explicit udp_push_state(udp_push_actor::pointer me) : self(me) {}

  void start(node_context_ptr context, bool recover);

  void on_push(const udp_push_task& msg);
  void on_ack(const udp_ack& msg);
  void on_tick(const caf::tick_atom& msg);
  caf::result<actor_status> on_status(const status_request& msg);

private:
  void send(const udp_push_task& task);
  void arm();

  udp_push_actor::pointer self;
  node_context_ptr context;
  std::optional<udp_push_table> table;
  bool armed = false;
};

/// @param recover the actor failed before: have all subscribers told again
udp_push_actor::behavior_type udp_push(udp_push_actor::stateful_pointer<udp_push_state> self,
                                       node_context_ptr context, bool recover,
                                       actor_origin_ptr origin);

} // namespace nacre
