#include <utility>

#include "http/server/long_reads.hpp"

#include <boost/asio/post.hpp>

#include "actors/base/batch_threads.hpp"

namespace nacre {

long_reads::long_reads() {
  // Who waits for a list of everything waits for those who ask for little.
  boost::asio::post(thread_, [] { set_batch_work(true); });
}

bool long_reads::post(std::function<void()> read) {
  if (++waiting_ > waiting_max) {
    --waiting_;
    return false;
  }
  boost::asio::post(thread_, [this, read = std::move(read)] {
    --waiting_;
    read();
  });
  return true;
}

void long_reads::stop() {
  thread_.stop();
  thread_.join();
}

} // namespace nacre
