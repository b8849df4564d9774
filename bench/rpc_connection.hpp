#pragma once

#include "bench/poller.hpp"

#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace nacre::bench {

/// One TCP connection with gRPC's HTTP/2 on it: a unary call at a time and one bidirectional
/// stream. It writes the frames by hand, the same for every server, since a grpc++ channel costs
/// more than the server's side of a call and would be what is measured. What it leaves out is what
/// a bench can do without: it opens the windows as wide as they go, and it does not read header
/// blocks, because a call that failed has no message.
class rpc_connection final : poller::watched {
public:
  class listener {
  public:
    virtual ~listener() = default;
    /// The message of the unary call's answer.
    virtual void on_answer(std::string_view message) = 0;
    /// A message that came on the stream.
    virtual void on_message(std::string_view message) = 0;
  };

  /// Connects at once; throws `failure` if nobody is there. So do all others when the server hangs
  /// up, ends the stream or answers without a message.
  rpc_connection(poller& loop, const boost::asio::ip::tcp::endpoint& address, listener& owner);
  ~rpc_connection() override;
  rpc_connection(const rpc_connection&) = delete;
  rpc_connection& operator=(const rpc_connection&) = delete;

  /// Calls /Request/request; the answer to the call before must have come.
  void call(std::string_view message);

  /// Sends on /BiRequestStream/requestBiStream, which the first message opens.
  void send(std::string_view message);

private:
  void on_readable() override;
  void on_writable() override;
  void flush();
  void feed(std::string_view bytes);
  void on_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view body);
  void on_data(std::uint8_t flags, std::uint32_t stream, std::string_view body);
  void take_messages(std::string& buffer, bool unary);
  void end_call();
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
  std::uint32_t call_ = 0;   // stream of the call under way; 0 = none
  std::uint32_t stream_ = 0; // 0 until it is opened
  std::size_t unseen_ = 0;   // bytes the server does not know that we have taken
  std::string in_;           // begin of a frame
  std::string out_;
  std::string answer_;  // of the call, as far as it came
  std::string message_; // begin of one of the stream
};

} // namespace nacre::bench
