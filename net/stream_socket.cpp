#include "net/stream_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>

namespace nacre {

namespace {

/// What a call that moves bytes returned.
std::size_t moved(ssize_t result, boost::system::error_code& failed) {
  if (result >= 0) {
    failed.clear();
    return static_cast<std::size_t>(result);
  }
  failed.assign(errno, boost::system::system_category());
  return 0;
}

} // namespace

bool would_block(const boost::system::error_code& failed) {
  return failed.value() == EAGAIN || failed.value() == EWOULDBLOCK;
}

stream_socket& stream_socket::operator=(stream_socket&& x) noexcept {
  close();
  fd_ = std::exchange(x.fd_, -1);
  events_ = std::exchange(x.events_, nullptr);
  entered_ = x.entered_;
  readable_ = x.readable_;
  ending_ = x.ending_;
  return *this;
}

void stream_socket::prepare() {
  const int yes = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (auto flags = ::fcntl(fd_, F_GETFL); (flags & O_NONBLOCK) == 0)
    ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
}

bool stream_socket::watch(socket_events& events, std::shared_ptr<socket_user> user) {
  if (!events.add(fd_, std::move(user), entered_))
    return false;
  events_ = &events;
  return true;
}

std::uint16_t stream_socket::remote_port() const {
  boost::asio::ip::tcp::endpoint other;
  auto size = static_cast<socklen_t>(other.capacity());
  return ::getpeername(fd_, other.data(), &size) == 0 ? other.port() : 0;
}

std::size_t stream_socket::read(std::span<char> space, boost::system::error_code& failed) {
  auto size = moved(::recv(fd_, space.data(), space.size(), 0), failed);
  // What comes after all was read is told, but the end was told already.
  readable_ = size == space.size() || (ending_ && !would_block(failed));
  return size;
}

std::size_t stream_socket::write(std::string_view bytes, boost::system::error_code& failed) {
  return moved(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), failed);
}

std::size_t stream_socket::write(std::span<const std::string_view> pieces,
                                 boost::system::error_code& failed) {
  constexpr std::size_t pieces_max = 5;
  std::array<iovec, pieces_max> list;
  msghdr message{};
  message.msg_iov = list.data();
  for (auto& piece : pieces.first(std::min(pieces.size(), pieces_max)))
    list[message.msg_iovlen++] = {const_cast<char*>(piece.data()), piece.size()};
  return moved(::sendmsg(fd_, &message, MSG_NOSIGNAL), failed);
}

void stream_socket::shutdown_send() { ::shutdown(fd_, SHUT_WR); }

void stream_socket::close() {
  auto fd = std::exchange(fd_, -1);
  if (fd < 0)
    return;
  // Before the user may end, and this with it.
  auto* events = std::exchange(events_, nullptr);
  auto entered = entered_;
  ::close(fd);
  if (events)
    events->remove(entered);
}

} // namespace nacre
