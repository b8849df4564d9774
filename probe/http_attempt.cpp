#include <utility>

#include "probe/http_attempt.hpp"

#include "probe/probe_loop.hpp"
#include "protocol/http_check.hpp"

namespace nacre {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

std::string host_of(const attempt::endpoint& target) {
  auto ip = target.address().to_string();
  if (target.address().is_v6())
    ip = "[" + ip + "]";
  return ip + ":" + std::to_string(target.port());
}

} // namespace

void http_attempt::start() {
  auto& checker = *order().checker;
  if (check_http_check(checker.path, checker.headers))
    return finish(failed_slowest("its path or headers can't be sent"));
  tcp_attempt::start();
}

void http_attempt::on_connected() {
  auto& checker = *order().checker;
  loop().set_deadline(phase(), probe_wait::step);
  request_ = http_check_request(checker.path, checker.headers, host_of(target()));
  do_write();
}

void http_attempt::do_write() {
  error_code ec;
  socket().non_blocking(true, ec);
  auto sent = socket().write_some(net::buffer(request_), ec);
  if (ec && ec != net::error::would_block)
    return finish(failure_of(ec));
  request_.erase(0, sent);
  if (request_.empty())
    return do_read();
  socket().async_wait(socket().wait_write, [this, self = shared_from_this()](error_code failed) {
    if (!is_done())
      failed ? finish(failure_of(failed)) : do_write();
  });
}

void http_attempt::do_read() {
  auto room = net::buffer(head_) + head_bytes_;
  socket().async_read_some(room, [this, self = shared_from_this()](
                                   error_code ec, std::size_t bytes) { on_read(ec, bytes); });
}

void http_attempt::on_read(const error_code& ec, std::size_t bytes) {
  if (is_done())
    return;
  if (ec)
    return finish(failure_of(ec));
  head_bytes_ += bytes;
  auto head = read_http_answer_head({head_.data(), head_bytes_});
  if (head.is == http_answer_head::state::whole)
    return finish(outcome_of(head.status));
  if (head.is == http_answer_head::state::broken || head_bytes_ == head_.size())
    return finish(failed_slowest("no HTTP"));
  do_read();
}

probe_answer http_attempt::outcome_of(int status) const {
  auto why = "status " + std::to_string(status);
  if (status == order().checker->expected_response_code)
    return well(why);
  // Busy, or moved for now: it may be back soon.
  if (status == 503 || status == 302)
    return failed_slower(why);
  return failed_for_sure(why);
}

} // namespace nacre
