#include <utility>

#include "http/server/long_reads.hpp"

#include <boost/asio/post.hpp>

#include "actors/base/batch_threads.hpp"

namespace nacre {

long_reads::long_reads() {
  // Who waits for a list of everything waits for those who ask for little.
  boost::asio::post(thread_, [] { set_batch_work(true); });
}

bool long_reads::post(const std::string& address, std::function<void()> read) {
  auto place = waiting_.take(address, 1);
  if (!place)
    return false;
  boost::asio::post(thread_, [place = std::move(place), read = std::move(read)]() mutable {
    place = {};
    read();
  });
  return true;
}

void long_reads::stop() {
  thread_.stop();
  thread_.join();
}

} // namespace nacre
