#pragma once

#include <cstdint>
#include <functional>

namespace nacre::bench {

/// Waits for many sockets in one thread. An event loop of its own rather than Asio's, because a
/// generator that also reads thousands of pushes must cost a fraction of the server it measures.
class poller {
public:
  class watched {
  public:
    virtual ~watched() = default;
    virtual void on_readable() = 0;
    virtual void on_writable() = 0;
  };

  poller();
  ~poller();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  /// `fd` is watched until it is closed; `who` must outlive that.
  void add(int fd, watched& who) const;

  /// Whether `who` wants to hear that `fd` takes more bytes.
  void want_write(int fd, watched& who, bool wants) const;

  /// Serves all sockets until `done` or until `deadline_ns`. @returns whether it is done
  bool run(const std::function<bool()>& done, std::int64_t deadline_ns) const;

  /// Serves all sockets for a time.
  void run_for(double seconds) const;

private:
  int epoll_;
};

} // namespace nacre::bench
