#include <utility>

#include "grpc/http2/http2_inbox.hpp"

#include <boost/asio/post.hpp>

namespace nacre {

void http2_inbox::post(std::shared_ptr<posted> x) {
  std::lock_guard guard(lock_);
  if (!io_)
    return;
  waiting_.push_back(std::move(x));
  if (waiting_.size() == 1)
    boost::asio::post(*io_, [self = shared_from_this()] { self->deliver(); });
}

void http2_inbox::close() {
  std::vector<std::shared_ptr<posted>> dropped;
  std::lock_guard guard(lock_);
  io_ = nullptr;
  after_round_ = nullptr;
  dropped.swap(waiting_);
}

void http2_inbox::deliver() {
  std::vector<std::shared_ptr<posted>> round;
  {
    std::lock_guard guard(lock_);
    round.reserve(waiting_.size());
    round.swap(waiting_);
  }
  for (auto& x : round)
    x->on_posted();
  if (after_round_)
    after_round_();
}

} // namespace nacre
