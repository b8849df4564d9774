#pragma once

#include <memory>
#include <string>

#include "protocol/cluster_message.hpp"

namespace nacre {

/// A question to all other nodes at once. It goes along with `ask_peer` to every DISTRO PEER; when
/// the last one has let go of it, answered or not, its destructor puts the answers together and
/// completes a ticket. Any thread.
class peer_survey {
public:
  peer_survey() = default;
  peer_survey(const peer_survey&) = delete;
  peer_survey& operator=(const peer_survey&) = delete;
  virtual ~peer_survey() = default;

  /// What one peer is sent; its answer repeats the number.
  virtual cluster_message question(std::uint64_t id) const = 0;

  /// What `node` answered. Several may answer at once.
  virtual void take(const std::string& node, cluster_message answer) = 0;
};

} // namespace nacre
