#pragma once

#include "bench/fleet.hpp"
#include "bench/rpc_connection.hpp"
#include "grpc/payload.pb.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

/// A message in its envelope, as it goes over the wire.
std::string envelope(std::string_view type, std::string body);

/// Registers an instance as the Java client does, each time with another metadata and weight.
/// Weights are changed too because rnacos 0.8.8 keeps the first metadata of an instance for ever.
class registration {
public:
  registration(const fleet& all, std::size_t service, std::string_view ip);

  /// The request with `number` in it, valid until the next one.
  const std::string& with(std::uint32_t number);

private:
  std::string bytes_;
  std::size_t weight_at_;
  std::size_t metadata_at_;
};

/// The weight of a registration with `number`, digits before the point; never 1, which may count
/// as "not given".
std::string weight_of(std::uint32_t number);

std::string remote_query(const fleet& all, std::size_t service);
std::string remote_subscription(const fleet& all, std::size_t service);

/// What came back: name and JSON body.
struct remote_message {
  std::string_view type;
  const std::string& body;
};

/// One gRPC client of a registry: check, stream and setup as SDKs do it, then calls. It
/// acknowledges whatever the server asks.
class registry_client final : rpc_connection::listener {
public:
  /// Opens connection and stream, and waits until calls are taken; without `sets_up` it only
  /// connects.
  registry_client(poller& loop, const boost::asio::ip::tcp::endpoint& address, bool sets_up);

  /// Calls and hears of the answer by `answered`, with `tag`.
  void call(std::string_view request, std::size_t tag) { wire_.call(request, tag); }

  /// Calls with no other call under way and waits, while all others are served too. Throws
  /// `failure` after 10 s.
  remote_message ask(std::string_view request);

  /// Calls and checks that the answer's type is `type` and its code 200.
  void expect(std::string_view request, std::string_view type);

  /// Told of the answers to `call`, and of pushed lists.
  std::function<void(std::size_t tag, const remote_message&)> answered;
  std::function<void(const remote_message&)> pushed;

private:
  void on_answer(std::size_t tag, std::string_view message) override;
  void on_message(std::string_view message) override;

  poller& loop_;
  rpc_connection wire_;
  bool asked_ = false;
  wire::Payload answer_;
};

using registry_clients = std::vector<std::unique_ptr<registry_client>>;

/// Opens `count` of them, one after the other.
registry_clients open_clients(poller& loop, const boost::asio::ip::tcp::endpoint& address,
                              std::size_t count, bool sets_up = true);

/// Lets this process have as many sockets as it may; throws `failure` if those are too few.
void allow_sockets(std::size_t count);

/// Throws `failure` unless it is a success of that type.
void require_success(const remote_message& message, std::string_view type);

} // namespace nacre::bench
