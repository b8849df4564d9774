#pragma once

#include "bench/poller.hpp"

#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

/// One TCP connection with gRPC's HTTP/2 on it: unary calls and one bidirectional stream.
/// It writes the frames by hand, the same for every server, since a grpc++ channel costs
/// more than the server's side of a call and would be what is measured. What it leaves out is what
/// a bench can do without: it opens the windows as wide as they go, and it does not read header
/// blocks, because a call that failed has no message.
class rpc_connection final : poller::watched {
public:
  class listener {
  public:
    virtual ~listener() = default;
    /// The message of the answer to the unary call with that tag.
    virtual void on_answer(std::size_t tag, std::string_view message) = 0;
    /// A message that came on the stream.
    virtual void on_message(std::string_view message) = 0;
  };

  /// Connects at once; throws `failure` if nobody is there. So do all others when the server hangs
  /// up, ends the stream or answers without a message.
  rpc_connection(poller& loop, const boost::asio::ip::tcp::endpoint& address, listener& owner);
  ~rpc_connection() override;
  rpc_connection(const rpc_connection&) = delete;
  rpc_connection& operator=(const rpc_connection&) = delete;

  /// Calls /Request/request. Several calls may be under way; `tag` tells their answers apart.
  void call(std::string_view message, std::size_t tag = 0);

  /// Sends on /BiRequestStream/requestBiStream, which the first message opens.
  void send(std::string_view message);

private:
  /// One under way, and its answer as far as it came.
  struct pending_call {
    std::uint32_t stream = 0;
    std::size_t tag = 0;
    std::string answer;
  };

  void on_readable() override;
  void on_writable() override;
  void flush();
  void feed(std::string_view bytes);
  void on_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view body);
  void on_data(std::uint8_t flags, std::uint32_t stream, std::string_view body);
  void take_messages();
  pending_call* find_call(std::uint32_t stream);
  void end_call(pending_call& ended);
  void put_request(std::string_view path, std::uint32_t stream);
  void put_data(std::string_view message, std::uint32_t stream, bool last);
  [[noreturn]] void fail(const std::string& why) const;

  poller& loop_;
  listener& owner_;
  boost::asio::ip::tcp::endpoint address_;
  int fd_ = -1;
  bool dispatching_ = false; // what is written meanwhile goes out in one piece
  bool writes_ = false;      // waits until the socket takes more
  std::uint32_t next_stream_ = 1;
  std::uint32_t stream_ = 0; // 0 until it is opened
  std::size_t unseen_ = 0;   // bytes the server does not know that we have taken
  std::string in_;           // begin of a frame
  std::string out_;
  std::vector<pending_call> calls_;
  std::string message_; // begin of one of the stream
};

} // namespace nacre::bench
