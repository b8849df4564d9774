#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The datagrams of UDP push (Nacos `UdpConnector`, `PushReceiver`).
namespace nacre {

/// Text from this size on is sent compressed.
inline constexpr std::size_t compress_from_bytes = 1024;

/// Largest datagram a 1.x client can receive (its buffer is 64 KiB, UDP over IPv4 holds less).
inline constexpr std::size_t datagram_bytes_max = 65'507;

/// Longer `hosts` fit no datagram, so packing them is not tried: instances at addresses in a row
/// with 1,024 characters of metadata, all alike, are packed 130:1, others less.
inline constexpr std::size_t pushed_hosts_bytes_max = 256 * datagram_bytes_max;

/// `{"type":"dom","data":"<service JSON>","lastRefTime":n}`, gzip if large; nothing if that fits no
/// datagram.
std::optional<std::string> make_push_packet(std::string_view service_json, std::int64_t ref_time);

/// A datagram whose type no client knows: it changes nothing there, and its ack shows that somebody
/// is there.
std::string make_probe_packet(std::int64_t ref_time);

/// The number of a `{"type":"push-ack","lastRefTime":"n","data":""}`, or `unknown-ack` as a probe
/// gets it; nothing for all else.
std::optional<std::int64_t> parse_push_ack(std::string_view datagram);

} // namespace nacre
