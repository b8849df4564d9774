#include <utility>

#include "net/io_threads.hpp"

#include <atomic>
#include <latch>

#include <boost/asio/post.hpp>

#include "config/usable_cores.hpp"

namespace nacre {

io_threads::io_threads(std::size_t count) {
  if (count == 0)
    count = usable_cores();
  for (std::size_t i = 0; i < count; ++i)
    threads_.push_back(std::make_unique<running_thread>());
}

io_threads::~io_threads() { stop(); }

void io_threads::start() {
  runs_ = true;
  for (auto& x : threads_)
    x->thread = std::thread([&io = x->io] { io.run(); });
}

void io_threads::stop() {
  for (auto& x : threads_)
    x->io.stop();
  for (auto& x : threads_)
    if (x->thread.joinable())
      x->thread.join();
  runs_ = false;
}

void io_threads::on_each(const std::function<void(std::size_t)>& task) {
  if (!runs_) {
    for (std::size_t i = 0; i < size(); ++i)
      task(i);
    return;
  }
  std::latch done(static_cast<std::ptrdiff_t>(size()));
  for (std::size_t i = 0; i < size(); ++i)
    boost::asio::post(at(i).io, [&, i] {
      task(i);
      done.count_down();
    });
  done.wait();
}

void io_threads::end_on_each(const std::function<bool(std::size_t)>& end,
                             std::optional<std::chrono::milliseconds> patience) {
  auto began = std::chrono::steady_clock::now();
  std::atomic<bool> left{true};
  while (left && (!patience || std::chrono::steady_clock::now() < began + *patience)) {
    left = false;
    on_each([&](std::size_t i) {
      if (end(i))
        left = true;
    });
  }
  drain(); // a timer that is cancelled too late is in the queue
}

} // namespace nacre
