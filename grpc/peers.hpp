#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/connection_client.hpp"

namespace nacre {

class connection_stream;

/// The address behind grpc++'s text of a peer: `ipv4:1.2.3.4:5`, `ipv6:[::1]:5`, percent-encoded
/// brackets as well; IPv4 mapped into IPv6 reads as IPv4.
struct peer_address {
  std::string ip;
  std::string port;
};
peer_address parse_peer(std::string_view text);

/// One TCP connection of a client as far as grpc++ lets it be seen: unary calls and streams of the
/// same `ServerContext::peer()`. It has the id that ServerCheck tells and, from the first setup to
/// the end of its streams, one `connection`. Any thread.
class peer final : public connection_link, public std::enable_shared_from_this<peer> {
public:
  peer(std::string id, peer_address from, std::int64_t now_ms)
    : id(std::move(id)), address(std::move(from)), seen_ms(now_ms) {}

  const std::string id;
  const peer_address address;
  /// ms of the steady clock
  const std::int64_t seen_ms;

  /// Null before a setup and after the end.
  connection_ptr live() const;

  enum class setup_result : std::uint8_t { done, repeated, refused };

  /// A stream of this peer brought its setup; the first one opens the connection by `open`, which
  /// gives null if it may not be.
  setup_result set_up(const std::shared_ptr<connection_stream>& stream, bool naming,
                      const std::function<connection_ptr()>& open);

  /// @returns whether it was the last stream that had been set up: the connection has ended
  bool end_stream(const connection_stream* stream);

  /// Calls `resume` once the setup came. @returns false if it came already: `resume` was not taken
  bool when_set_up(std::uint64_t ticket, std::function<void()> resume);

  /// @returns whether `resume` was still waiting, and now never will be called
  bool give_up(std::uint64_t ticket);

  // -- connection_link ---------------------------------------------------------------------------

  bool send(server_request request) override;
  void close(std::string_view why) override;

private:
  struct bound_stream {
    std::shared_ptr<connection_stream> stream;
    bool naming = false;
  };

  mutable std::mutex lock_;
  connection_ptr live_;
  /// Set up, in order; pushes go to the first one for naming, else to the first.
  std::vector<bound_stream> streams_;
  std::map<std::uint64_t, std::function<void()>> waiting_;
};

using peer_ptr = std::shared_ptr<peer>;

/// All peers by grpc++'s text. Any thread.
class peer_table {
public:
  /// The peer of `text`; a new one gets an id from the wall clock.
  peer_ptr get(const std::string& text, std::int64_t wall_ms, std::int64_t steady_ms);

  /// Null if it neither asked for its id nor opened a stream.
  peer_ptr find(const std::string& text) const;

  void remove(const std::string& text);

  std::vector<peer_ptr> all() const;

private:
  /// A peer that opened no stream for this long is forgotten.
  static constexpr std::int64_t idle_ms = 60'000;
  static constexpr std::int64_t sweep_interval_ms = 10'000;

  mutable std::mutex lock_;
  std::unordered_map<std::string, peer_ptr> peers_;
  std::int64_t swept_ms_ = 0;
  std::int64_t last_id_ms_ = 0;
};

} // namespace nacre
