#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages.hpp"
#include "protocol/cluster_message.hpp"

/// The messages between the actors of a node about its cluster; they stay inside the process.
namespace nacre {

// -- to MEMBERSHIP -------------------------------------------------------------------------------

struct members_listed {
  /// `host:port`, sorted; this node is among them.
  std::vector<std::string> addresses;
};

struct load_ended {
  std::string peer;
  bool complete = false;
};

struct leave_cluster {};
struct left_cluster {};

struct respawn_peer {
  std::string address;
};

// -- to a DISTRO PEER ----------------------------------------------------------------------------

/// `dial` tells the wire from earlier ones.
struct link_opened {
  std::uint64_t dial = 0;
};

struct link_closed {
  std::uint64_t dial = 0;
  bool refused = false;
  std::string why;
};

struct peer_frame {
  std::string bytes;
};

struct dial_again {
  std::uint64_t dial = 0;
};

class service_survey;

/// `survey` takes what the peer holds of the service, and is let go of if the peer is silent.
struct ask_service {
  service_ref service;
  std::shared_ptr<service_survey> survey;
};

// -- to its children -----------------------------------------------------------------------------

/// The peer's list of changes is not empty any more.
struct changes_wait {};

struct link_state {
  bool open = false;
};

struct sync_tick {
  /// Ticks of an earlier arming are dropped.
  std::uint64_t generation = 0;
};

struct begin_load {};

struct chunk_taken {
  std::uint32_t next_bucket = 0;
};

struct load_tick {
  std::uint64_t generation = 0;
};

} // namespace nacre

#define NACRE_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::type)

NACRE_LOCAL_MESSAGE(members_listed)
NACRE_LOCAL_MESSAGE(load_ended)
NACRE_LOCAL_MESSAGE(leave_cluster)
NACRE_LOCAL_MESSAGE(left_cluster)
NACRE_LOCAL_MESSAGE(respawn_peer)
NACRE_LOCAL_MESSAGE(link_opened)
NACRE_LOCAL_MESSAGE(link_closed)
NACRE_LOCAL_MESSAGE(peer_frame)
NACRE_LOCAL_MESSAGE(dial_again)
NACRE_LOCAL_MESSAGE(ask_service)
NACRE_LOCAL_MESSAGE(changes_wait)
NACRE_LOCAL_MESSAGE(link_state)
NACRE_LOCAL_MESSAGE(sync_tick)
NACRE_LOCAL_MESSAGE(begin_load)
NACRE_LOCAL_MESSAGE(chunk_taken)
NACRE_LOCAL_MESSAGE(load_tick)
NACRE_LOCAL_MESSAGE(batch_ack)
NACRE_LOCAL_MESSAGE(record_request)
NACRE_LOCAL_MESSAGE(bucket_digests)
NACRE_LOCAL_MESSAGE(bucket_listing)
NACRE_LOCAL_MESSAGE(snapshot_request)
NACRE_LOCAL_MESSAGE(snapshot_chunk)

#undef NACRE_LOCAL_MESSAGE
