#pragma once

#include <map>
#include <optional>
#include <tuple>

#include "actors/actor_base.hpp"
#include "actors/push/udp_push_table.hpp"

namespace nacre {

/// State of UDP PUSH: sends datagrams to 1.x clients and waits for their acks.
struct udp_push_state : actor_state {
  static constexpr const char* name = "udp-push";

  explicit udp_push_state(udp_push_actor::pointer me) : self(me) {}

  void start(node_context_ptr context);

  void on_push(const udp_push_task& msg);
  void on_ack(const udp_ack& msg);
  void on_ring(const ring& msg);

  std::string summary() const;
  void details(json_writer& out) const;

private:
  void start_push(const udp_push_task& task, steady_time now);
  void send(const udp_push_task& task, const std::shared_ptr<const std::string>& datagram);
  /// `task` goes once its address has proved itself, or may get one more.
  void hold(const udp_push_task& task, steady_time now);
  /// Whether a push that waits for its address has the number that `ack` repeats.
  bool is_probed(const udp_ack& ack) const;
  /// Lets go what may go of all that waits, or of what waits for one address.
  void release(steady_time now);
  void release_to(const std::string& ip, steady_time now);
  /// @returns whether `task` waits no more: it goes, or has waited too long
  bool is_released(const udp_push_task& task, steady_time now);
  void arm();

  using channel_key = std::tuple<std::string, std::uint16_t, service_ref, std::string>;

  udp_push_actor::pointer self;
  node_context_ptr context;
  std::optional<udp_push_table> table;
  /// Pushes that wait for their address: the newest of each subscription.
  std::map<channel_key, udp_push_task> held;
  alarm timer;
};

/// One that takes the place of a failed one has all subscribers told again.
udp_push_actor::behavior_type udp_push(udp_push_actor::stateful_pointer<udp_push_state> self,
                                       node_context_ptr context, birth_ptr birth);

} // namespace nacre
