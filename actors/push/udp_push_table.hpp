#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "actors/messages/push.hpp"

namespace nacre {

/// Datagrams that wait for their acks, without socket or clock. Newest view wins: a subscriber
/// that did not acknowledge an older list of a selection only gets the newer one again. Times are
///.
class udp_push_table {
public:
  udp_push_table(milliseconds ack_timeout, unsigned retransmits, std::size_t pending_max)
    : ack_timeout_(ack_timeout), retransmits_(retransmits), pending_max_(pending_max) {}

  /// Whether `task` may be sent: not if the subscriber was sent a newer list already. From here
  /// on it waits for its ack.
  bool add(const udp_push_task& task, steady_time now);

  /// The task an ack belongs to; nothing for a late, repeated or forged one.
  std::optional<udp_push_task> take(const udp_ack& ack);

  struct overdue {
    /// To be sent once more.
    std::vector<udp_push_task> again;
    /// Given up: as often sent as allowed, or pushed out by newer ones at the bound.
    std::vector<udp_push_task> failed;
  };
  overdue take_overdue(steady_time now);

  std::size_t pending() const { return pending_.size(); }

private:
  /// Address and number of the datagram: what an ack repeats.
  using packet_key = std::tuple<std::string, std::uint16_t, std::int64_t>;
  /// What a newer push supersedes: subscriber, service by its name, selection.
  using channel_key = std::tuple<client_id, service_ref, std::string>;

  struct waiting {
    udp_push_task task;
    channel_key channel;
    unsigned sent = 1;
  };

  void forget(std::map<packet_key, waiting>::iterator i);

  milliseconds ack_timeout_;
  unsigned retransmits_;
  std::size_t pending_max_;
  std::map<packet_key, waiting> pending_;
  std::map<channel_key, packet_key> newest_;
  /// In order of time, because all wait equally long; entries of what was acknowledged are
  /// dropped when they come up.
  std::multimap<steady_time, packet_key> due_;
};

} // namespace nacre
