#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "http/server/reply.hpp"

namespace nacre {

class http_session;

/// Answers of actors on their way to the sessions of one I/O thread. Whatever comes before that
/// thread gets to it goes along with the first one: a thread is woken once per round, not once per
/// answer. Any thread.
class answer_queue {
public:
  explicit answer_queue(boost::asio::io_context& io) : io_(io) {}

  void add(std::shared_ptr<http_session> session, reply answer);

private:
  /// On the I/O thread.
  void deliver();

  boost::asio::io_context& io_;
  std::mutex lock_;
  std::vector<std::pair<std::shared_ptr<http_session>, reply>> waiting_;
};

} // namespace nacre
