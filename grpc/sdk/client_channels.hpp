#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/connections/connection_client.hpp"
#include "grpc/transport.hpp"

namespace nacre {

class connection_stream;

/// One TCP connection of a client as far as grpc++ lets it be seen: unary calls and streams of the
/// same `ServerContext::peer()`. It has the id that ServerCheck tells and, from the first setup to
/// the end of its streams, one `connection`. Any thread.
class client_channel final : public connection_link,
                             public std::enable_shared_from_this<client_channel> {
public:
  client_channel(std::string id, peer_address from, steady_time now)
    : id(std::move(id)), address(std::move(from)), seen(now) {}

  const std::string id;
  const peer_address address;
  const steady_time seen;

  /// Null before a setup and after the end.
  connection_ptr live() const;

  enum class setup_result : std::uint8_t { done, repeated, refused };

  /// A stream of this channel brought its setup; the first one opens the connection by `open`,
  /// which gives null if it may not be.
  setup_result set_up(const std::shared_ptr<connection_stream>& stream, bool naming,
                      const std::function<connection_ptr()>& open);

  /// @returns whether it was the last stream that had been set up: the connection has ended
  bool end_stream(const connection_stream* stream);

  /// Calls `resume` once the setup came. @returns false if it came already: `resume` was not taken
  bool when_set_up(std::uint64_t waiter, std::function<void()> resume);

  /// @returns whether `resume` was still waiting, and now never will be called
  bool give_up(std::uint64_t waiter);

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

using client_channel_ptr = std::shared_ptr<client_channel>;

/// All channels by grpc++'s text. Any thread.
class channel_table {
public:
  /// The channel of `text`; a new one gets an id from the wall clock.
  client_channel_ptr get(const std::string& text, const node_clock& clock);

  /// Null if it neither asked for its id nor opened a stream.
  client_channel_ptr find(const std::string& text) const;

  void remove(const std::string& text);

  std::vector<client_channel_ptr> all() const;

private:
  /// A channel that opened no stream for this long is forgotten.
  static constexpr milliseconds idle{60'000};
  static constexpr milliseconds sweep_interval{10'000};

  mutable std::mutex lock_;
  std::unordered_map<std::string, client_channel_ptr> channels_;
  steady_time swept_ = never;
  wall_time last_id_{};
};

} // namespace nacre
