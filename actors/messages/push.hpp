#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "actors/base/clocks.hpp"
#include "actors/base/local_message.hpp"
#include "actors/tables/publication.hpp"

/// What is said to the actors of `push/`.
namespace nacre {

/// A service changed in a way that subscribers see (Nacos `ServiceEvent.ServiceChangedEvent`).
struct service_changed {
  service_ref service;
};

/// Somebody subscribed and wants the present state (Nacos `ServiceEvent.ServiceSubscribedEvent`).
struct service_subscribed {
  subscriber_ptr who;
};

/// A restarted channel lost what was on its way to subscribers: all of them are told again.
struct push_channel_restarted {};

/// One list for one 1.x client, as a datagram.
struct udp_push_task {
  subscriber_ptr who;
  /// Which of the subscriber's selections it is.
  std::string clusters;
  /// `lastRefTime` of the list in it; an older list never follows a newer one.
  wall_time list_ref_time{};
  /// `lastRefTime` of the datagram, which the ack repeats.
  std::int64_t packet_ref_time = 0;
  /// Never null in a message: a list that fits no datagram is not sent.
  std::shared_ptr<const std::string> packet;
  /// When the change happened that this push tells of.
  steady_time changed_at{};
  bool empty = false;
};

/// A 1.x client acknowledges a datagram.
struct udp_ack {
  std::string ip;
  std::uint16_t port = 0;
  std::int64_t packet_ref_time = 0;
};

} // namespace nacre
