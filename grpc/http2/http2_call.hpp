#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/base/clocks.hpp"
#include "actors/tables/address_budget.hpp"
#include "grpc/http2/call_status.hpp"
#include "grpc/http2/message_reader.hpp"
#include "protocol/message_body.hpp"

namespace nacre {

class http2_session;

/// Bytes in front of a message's body, few enough to need no memory of their own.
class message_head {
public:
  static constexpr std::size_t bytes_max = 96;

  /// What does not fit is an error of ours: no head of a message is so long.
  void append(std::string_view bytes);

  std::string_view view() const { return {bytes_.data(), size_}; }

private:
  std::array<char, bytes_max> bytes_;
  std::uint8_t size_ = 0;
};

/// A message to be sent, in pieces.
struct outgoing_message {
  message_head head;
  message_body body;
  /// Held until the connection has taken the message.
  address_budget::share share = {};

  std::size_t size() const { return head.view().size() + body.size(); }
};

/// One gRPC call, which a node answers or makes. Lives on the thread of its connection; whoever
/// holds it longer than that finds that it is over.
class http2_call : public std::enable_shared_from_this<http2_call> {
public:
  explicit http2_call(std::size_t message_bytes_max);
  virtual ~http2_call();
  http2_call(const http2_call&) = delete;
  http2_call& operator=(const http2_call&) = delete;

  bool is_over() const { return session_ == nullptr; }

  /// Where it goes on: null if it is over.
  http2_session* session() const { return session_; }

  // What follows does nothing once the call is over.

  /// Sends the headers of an answer before there is one: some stacks send nothing before that.
  void send_headers();

  void send(outgoing_message message);

  /// Nothing more is sent. A node that answers ends the call with this status, behind what waits to
  /// be sent; one that made it only ends its half.
  void finish(call_status status = {});

  /// Sends a message and finishes.
  void reply(outgoing_message message);

  /// Ends the call at once, without a status; what waits to be sent is dropped.
  void cancel();

  /// The same with a status, if the other end can be told it: it can't amid a message, or while it
  /// takes nothing.
  void fail(const call_status& status);

  /// Bytes of messages that were given to `send` and not taken by the connection yet.
  std::size_t unsent() const { return unsent_; }

protected:
  /// The call is there.
  virtual void on_begin() {}

  /// A message of the other end; the view is valid during the call.
  virtual void on_message(std::string_view message) = 0;

  /// The other end has nothing more to say.
  virtual void on_half_close() = 0;

  /// The connection has taken a message.
  virtual void on_sent(const outgoing_message&) {}

  /// The call is over; the last.
  virtual void on_end(const call_status& status) = 0;

private:
  friend class http2_session;

  struct queued;

  http2_session* session_ = nullptr;
  /// Its session holds it until it is over.
  std::shared_ptr<http2_call> self_;
  http2_call* previous_ = nullptr;
  http2_call* next_ = nullptr;
  message_reader reader_;
  std::unique_ptr<queued> first_;
  queued* last_ = nullptr;
  /// Bytes of the first message that are sent.
  std::size_t offset_ = 0;
  std::size_t unsent_ = 0;
  /// Bytes kept of a message that is not complete, as its session knows.
  std::size_t held_ = 0;
  std::optional<steady_time> deadline_;
  call_status status_;
  std::int32_t stream_ = 0;
  bool headers_sent_ = false;
  bool finishing_ = false;
  /// Its data is asked for again when there is some.
  bool waits_for_data_ = false;
  /// The other end takes gzip, and sent some itself.
  bool takes_gzip_ = false;
  /// A status came.
  bool has_status_ = false;
  /// It has failed; whatever still comes is not read.
  bool deaf_ = false;
};

using http2_call_ptr = std::shared_ptr<http2_call>;

} // namespace nacre
