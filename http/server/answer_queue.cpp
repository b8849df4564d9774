#include "http/server/answer_queue.hpp"

#include <boost/asio/post.hpp>

#include "http/server/session.hpp"

namespace nacre {

void answer_queue::add(std::shared_ptr<http_session> session, reply answer) {
  bool first = false;
  {
    std::lock_guard guard(lock_);
    first = waiting_.empty();
    waiting_.emplace_back(std::move(session), std::move(answer));
  }
  if (first)
    boost::asio::post(io_, [this] { deliver(); });
}

void answer_queue::deliver() {
  std::vector<std::pair<std::shared_ptr<http_session>, reply>> answers;
  {
    std::lock_guard guard(lock_);
    answers.reserve(waiting_.size());
    answers.swap(waiting_);
  }
  for (auto& [session, answer] : answers)
    session->deliver(std::move(answer));
}

} // namespace nacre
