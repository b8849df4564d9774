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
  {
    std::lock_guard guard(lock_);
    if (stopped_)
      return {ec::unavailable, "the node stops"};
    auto own = waiting_.find(address);
    if (waiting_count_ == waiting_max
        || (own != waiting_.end() && own->second.size() == waiting_per_address_max))
      return {ec::unavailable, "too many reads that take long wait already"};
    if (own == waiting_.end()) {
      own = waiting_.try_emplace(address).first;
      turns_.push_back(address);
    }
    own->second.push_back(std::move(read));
    ++waiting_count_;
  }
  boost::asio::post(thread_, [this] { run_next(); });
  return {};
}

void long_reads::run_next() {
  std::function<void()> read;
  {
    std::lock_guard guard(lock_);
    if (stopped_)
      return;
    auto own = waiting_.find(turns_.front());
    turns_.pop_front();
    read = std::move(own->second.front());
    own->second.pop_front();
    --waiting_count_;
    if (own->second.empty())
      waiting_.erase(own);
    else
      turns_.push_back(own->first);
  }
  read();
}

void long_reads::stop() {
  decltype(waiting_) forgotten; // outside the lock: what goes may answer somebody
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
    turns_.clear();
    forgotten.swap(waiting_);
  }
  thread_.stop();
  thread_.join();
}

} // namespace nacre
