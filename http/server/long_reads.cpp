#include "http/server/long_reads.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "actors/base/batch_threads.hpp"

namespace nacre {

long_reads::long_reads() {
  // Who waits for a list of everything waits for those who ask for little.
  boost::asio::post(thread_, [] { set_batch_work(true); });
}

outcome long_reads::post(const std::string& address, std::function<void()> read) {
  auto place = waiting_.take(address, 1);
  if (!place)
    return {ec::unavailable, "too many reads that take long wait already"};
  boost::asio::post(thread_, [place = std::move(place), read = std::move(read)]() mutable {
    place = {};
    read();
  });
  return {};
}

void long_reads::stop() {
  thread_.stop();
  thread_.join();
}

} // namespace nacre
