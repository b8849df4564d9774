#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.hpp"
#include "grpc/payload.hpp"

/// The link between two nodes: a stream of `BiRequestStream/requestBiStream` in Nacos' envelope, on
/// the main port + 1001. Frames go one way, from who dialed; nodes dial each other.
///
///     dialer                                            acceptor
///     NacreHello  version, from, to, nonce  ──►
///                                           ◄──  NacreChallenge  nonce, proof
///     NacreProof  proof                     ──►
///                                           ◄──  NacreWelcome
///     NacrePart … NacrePart, NacreFrame     ──►
///
/// The fields of the handshake are headers of the envelope. A frame's bytes are the bodies of its
/// parts: so a stranger can't make us read a message of the size of a frame.
namespace nacre {

/// What is added to a node's main port.
inline constexpr std::uint16_t cluster_port_offset = 1001;

/// Longest frame. A link that brings a longer one is ended; one to be sent is dropped.
inline constexpr std::size_t frame_bytes_max = 16 * 1024 * 1024;

/// Body of one message.
inline constexpr std::size_t part_bytes_max = 128 * 1024;

/// A message with its envelope.
inline constexpr int link_message_bytes_max = 132 * 1024;

namespace link_message {
inline constexpr std::string_view hello = "NacreHello";
inline constexpr std::string_view challenge = "NacreChallenge";
inline constexpr std::string_view proof = "NacreProof";
inline constexpr std::string_view welcome = "NacreWelcome";
/// A part of a frame that goes on, and the last one.
inline constexpr std::string_view part = "NacrePart";
inline constexpr std::string_view frame = "NacreFrame";
} // namespace link_message

namespace link_header {
inline constexpr const char* version = "version";
inline constexpr const char* from = "from";
inline constexpr const char* to = "to";
inline constexpr const char* nonce = "nonce";
inline constexpr const char* proof = "proof";
} // namespace link_header

/// Bounds of one end; tests take smaller ones.
struct link_limits {
  /// Both ends have to have proved who they are within this time.
  milliseconds handshake_patience{5'000};
  milliseconds connect_patience{2'000};
  /// HTTP/2 ping after this time without traffic, and how long its answer may take.
  milliseconds keepalive_time{5'000};
  milliseconds keepalive_timeout{5'000};
  /// Accepted streams that have not proved anything, in all and from one address.
  std::size_t unproved_max = 64;
  std::size_t unproved_per_ip_max = 16;
  /// What may wait in a link to be sent.
  std::size_t waiting_frames_max = 64;
  std::size_t waiting_bytes_max = 32 * 1024 * 1024;
};

/// An empty message of a kind.
wire::Payload make_link_message(std::string_view type);

void set_header(wire::Payload& message, const char* key, const std::string& value);

/// The header of a message, empty if there is none.
std::string header(const wire::Payload& message, const char* key);

/// Appends the messages that a frame is sent as. @returns how many
std::size_t cut_frame(std::string frame, std::vector<outgoing_message>& messages);

} // namespace nacre
