// The limit: what the kernel allows a server that answers HTTP without reading it. One thread,
// epoll, keep-alive. It looks for the blank line and two headers, and sends what it made before.

#include "bench/failure.hpp"
#include "bench/poller.hpp"
#include "bench/program.hpp"

#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nacre::bench {

namespace {

constexpr auto help =
  R"(bare_epoll_server: answers every request with 200 and a body of a fixed size
  --port P   port on 127.0.0.1, 0 = any free one, which is printed (default 0)
  --size N   size of the body in bytes where the request has no X-Size header (default 2)
Headers are found as "Name: value" with exactly these capitals.
)";

constexpr std::size_t size_max = 16 * 1024 * 1024;
constexpr std::size_t head_max = 16 * 1024;

volatile std::sig_atomic_t ends = 0;

/// One answer for each size that was asked for.
class answers {
public:
  explicit answers(std::size_t preset) : preset_(preset) {}

  [[nodiscard]] std::size_t preset() const { return preset_; }

  const std::string& of_size(std::size_t size) {
    auto& answer = made_[size];
    if (answer.empty())
      answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
               + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
    return answer;
  }

private:
  std::size_t preset_;
  std::unordered_map<std::size_t, std::string> made_;
};

/// One client. It deletes itself when that hangs up or sends what no request can be.
class connection final : poller::watched {
public:
  connection(const poller& loop, int fd, answers& all) : loop_(loop), fd_(fd), answers_(all) {
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    loop_.add(fd_, *this);
  }

private:
  ~connection() override { ::close(fd_); }

  void on_readable() override {
    static std::array<char, 64 * 1024> buffer;
    const auto count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
      return;
    if (count <= 0 || !take({buffer.data(), static_cast<std::size_t>(count)}))
      delete this;
  }

  /// A socket that failed shows in `on_readable`, which comes next.
  void on_writable() override { flush(); }

  bool take(std::string_view bytes) {
    if (!in_.empty())
      bytes = in_.append(bytes);
    while (!bytes.empty()) {
      const auto end = bytes.find("\r\n\r\n");
      if (end == bytes.npos) {
        if (bytes.size() > head_max)
          return false;
        break;
      }
      const auto head = bytes.substr(0, end + 2);
      const auto body = number(head, "\r\nContent-Length: ", 0);
      const auto size = number(head, "\r\nX-Size: ", answers_.preset());
      if (body > size_max || size > size_max)
        return false;
      if (bytes.size() < end + 4 + body)
        break;
      bytes.remove_prefix(end + 4 + body);
      out_ += answers_.of_size(size);
    }
    in_ = std::string(bytes);
    flush();
    return true;
  }

  /// The number behind `name`, `preset` if there is none.
  static std::size_t number(std::string_view head, std::string_view name, std::size_t preset) {
    const auto at = head.find(name);
    if (at == head.npos)
      return preset;
    std::size_t value = 0;
    const auto* end = head.data() + head.size();
    const auto [rest, error] = std::from_chars(head.data() + at + name.size(), end, value);
    return error == std::errc{} ? value : std::numeric_limits<std::size_t>::max();
  }

  void flush() {
    const auto count = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0)
      out_.erase(0, static_cast<std::size_t>(count));
    if (waits_ != !out_.empty()) {
      waits_ = !waits_;
      loop_.want_write(fd_, *this, waits_);
    }
  }

  const poller& loop_;
  int fd_;
  answers& answers_;
  std::string in_;     // begin of a request
  std::string out_;    // what the socket has not taken yet
  bool waits_ = false; // until it takes more
};

class acceptor final : poller::watched {
public:
  acceptor(const poller& loop, std::uint16_t port, answers& all) : loop_(loop), answers_(all) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(fd_, raw, size) != 0 || ::listen(fd_, SOMAXCONN) != 0
        || ::getsockname(fd_, raw, &size) != 0)
      throw failure("cannot listen on port " + std::to_string(port));
    port_ = ntohs(address.sin_port);
    loop_.add(fd_, *this);
  }
  ~acceptor() override { ::close(fd_); }
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

private:
  void on_readable() override {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0)
      new connection(loop_, fd, answers_);
  }
  void on_writable() override {}

  const poller& loop_;
  answers& answers_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

int run(const arguments& args) {
  std::signal(SIGTERM, [](int) { ends = 1; });
  std::signal(SIGINT, [](int) { ends = 1; });
  answers all(args.whole("size", 2, 0, size_max));
  const poller loop;
  const acceptor listener(loop, static_cast<std::uint16_t>(args.whole("port", 0, 0, 65'535)), all);
  // Read by the scripts that start this server on a free port.
  std::cout << "listening on 127.0.0.1:" << listener.port() << std::endl;
  loop.run([] { return ends != 0; }, std::numeric_limits<std::int64_t>::max());
  return EXIT_SUCCESS;
}

} // namespace

} // namespace nacre::bench

int main(int argc, char** argv) {
  using namespace nacre::bench;
  return run_program("bare_epoll_server", help, argc, argv, {"port", "size"}, run);
}
