#include <utility>

#include "probe/tcp_attempt.hpp"

#include "probe/probe_loop.hpp"

namespace nacre {

using boost::system::error_code;

tcp_attempt::tcp_attempt(probe_loop& loop, probe_order order, const endpoint& target,
                         std::shared_ptr<probe_batch> batch)
  : attempt(loop, std::move(order), target, std::move(batch)), socket_(loop.io()) {}

void tcp_attempt::start() {
  error_code ec;
  socket_.open(target().protocol(), ec);
  if (ec)
    return finish(failure_of(ec));
  loop().set_deadline(phase(), probe_wait::step);
  socket_.async_connect(
    target(), [this, self = shared_from_this()](error_code failed) { on_connect(failed); });
}

void tcp_attempt::on_connect(const error_code& ec) {
  if (is_done())
    return;
  if (ec)
    return finish(failure_of(ec));
  on_connected();
}

void tcp_attempt::close() {
  error_code ec;
  socket_.close(ec);
}

} // namespace nacre
