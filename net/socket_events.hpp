#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace nacre {

/// What has become of a socket.
struct readiness {
  bool readable = false;
  bool writable = false;
  /// The other end sends no more, or is gone: reading comes to an end, after what is left.
  bool ending = false;
};

/// Whose socket it is.
class socket_user {
public:
  virtual ~socket_user() = default;

  /// The socket has become ready since it was read, or written, as far as it went.
  virtual void on_ready(readiness what) = 0;
};

/// Tells the users of the sockets of one I/O thread what became ready. A socket is entered once,
/// and only what changes is told (edge-triggered epoll), where Asio asks the kernel anew for each
/// wait. Many that are ready together are told in a row, so that what comes of it can be sent in a
/// row. On that thread.
class socket_events {
public:
  /// Of an entry, never given twice.
  struct ticket {
    std::uint32_t place = 0;
    std::uint32_t number = 0;
  };

  /// @throws boost::system::system_error if the kernel has no epoll for it
  explicit socket_events(boost::asio::io_context& io);
  ~socket_events();
  socket_events(const socket_events&) = delete;
  socket_events& operator=(const socket_events&) = delete;

  /// Tells `user` of `fd` from now on, first of what is ready already, and keeps it alive.
  /// @returns false, with errno, if the kernel has no room
  bool add(int fd, std::shared_ptr<socket_user> user, ticket& entered);

  /// Tells nothing more of a socket, which is closed, and lets its user go.
  void remove(ticket entered);

  /// Runs `task` when all that is ready now was told, on this thread.
  void when_told(std::function<void()> task);

private:
  struct entry {
    std::shared_ptr<socket_user> user;
    std::uint32_t number = 0;
  };

  void wait();
  void tell();

  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor epoll_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> free_;
  std::uint32_t last_number_ = 0;
  bool telling_ = false;
  std::vector<std::function<void()>> when_told_;
};

} // namespace nacre
