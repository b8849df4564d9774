#pragma once

#include "http/server/http_call.hpp"
#include "protocol/beat.hpp"

/// Beats of 1.x clients, full or light (Nacos `InstanceController.beat`, `InstanceBeat`).
namespace nacre {

/// What a beat asks for, of all versions.
struct beat_request {
  service_ref service;
  std::string ip;
  std::uint16_t port = 0;
  std::string cluster;
  /// Set for a full beat: what is registered if there is nothing to renew.
  std::optional<beat_info> full;

  client_id client() const { return {ip, port, client_kind::ephemeral}; }
};

/// Reads the parameters of a beat, whose service the filter of v1 has read; refuses bad ones.
beat_request read_beat(const http_call& c);

/// Renews the lease. Answers at once unless an actor has to hear of it.
std::optional<reply> answer_beat(const http_call& c, const beat_request& beat);

} // namespace nacre
