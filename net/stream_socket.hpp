#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <boost/system/error_code.hpp>

#include "net/socket_events.hpp"

namespace nacre {

/// The TCP socket of a connection. Nothing of it waits: what the socket does not have or take at
/// once is `would_block`. On the thread of the connection once it is watched.
class stream_socket {
public:
  stream_socket() = default;
  /// @param fd an open socket, which this one closes
  explicit stream_socket(int fd) : fd_(fd) {}
  stream_socket(stream_socket&& x) noexcept
    : fd_(std::exchange(x.fd_, -1)),
      events_(std::exchange(x.events_, nullptr)),
      entered_(x.entered_),
      readable_(x.readable_),
      ending_(x.ending_) {}
  stream_socket& operator=(stream_socket&& x) noexcept;
  ~stream_socket() { close(); }

  /// Sends without delay, and reads and writes without waiting.
  void prepare();

  /// `user` is told what becomes ready, and kept alive until this is closed.
  /// @returns false if the kernel has no room
  bool watch(socket_events& events, std::shared_ptr<socket_user> user);

  bool is_open() const { return fd_ >= 0; }

  /// Port of the other end; 0 if that is gone.
  std::uint16_t remote_port() const;

  /// To be called with what its user is told.
  void note(readiness what) {
    readable_ = readable_ || what.readable;
    ending_ = ending_ || what.ending;
  }

  /// Whether there may be something to read, if only that the other end says no more. It is not
  /// told again before all was read.
  bool may_read() const { return readable_; }

  /// How many bytes were read into `space`, which is not empty; 0 at the end.
  std::size_t read(std::span<char> space, boost::system::error_code& failed);

  /// How many bytes were written.
  std::size_t write(std::string_view bytes, boost::system::error_code& failed);
  /// The same of some pieces, five at most.
  std::size_t write(std::span<const std::string_view> pieces, boost::system::error_code& failed);

  /// The other end sees that nothing more comes.
  void shutdown_send();

  /// May end its user.
  void close();

private:
  int fd_ = -1;
  socket_events* events_ = nullptr;
  socket_events::ticket entered_;
  bool readable_ = false;
  bool ending_ = false;
};

/// Whether a socket just has nothing, or takes nothing.
bool would_block(const boost::system::error_code& failed);

} // namespace nacre
