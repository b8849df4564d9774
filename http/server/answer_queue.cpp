#include "http/server/answer_queue.hpp"

#include <iterator>

#include <boost/asio/post.hpp>

#include "http/server/session.hpp"

namespace nacre {

void answer_queue::add(session_ptr session, reply answer) {
  bool first = false;
  {
    std::lock_guard guard(lock_);
    first = elsewhere_.empty();
    elsewhere_.emplace_back(std::move(session), std::move(answer));
  }
  if (first)
    boost::asio::post(io_, [this] { deliver(); });
}

void answer_queue::add_here(session_ptr session, reply answer) {
  here_.emplace_back(std::move(session), std::move(answer));
  if (here_.size() == 1)
    sockets_.when_told([this] { deliver(); });
}

void answer_queue::run(std::function<void()> task) { boost::asio::post(io_, std::move(task)); }

void answer_queue::go_on_later(session_ptr session) {
  boost::asio::post(io_, [session = std::move(session)] { session->go_on(); });
}

void answer_queue::deliver() {
  auto round = std::exchange(here_, {});
  {
    std::lock_guard guard(lock_);
    round.insert(round.end(), std::move_iterator(elsewhere_.begin()),
                 std::move_iterator(elsewhere_.end()));
    elsewhere_.clear();
  }
  for (auto& [session, answer] : round)
    session->deliver(std::move(answer));
  round.clear();
  if (here_.empty())
    here_ = std::move(round); // its memory is used again
}

} // namespace nacre
