#include <utility>

#include "probe/probe_loop.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "net/resolve.hpp"
#include "probe/http_attempt.hpp"
#include "probe/mysql_attempt.hpp"
#include "probe/tcp_attempt.hpp"

namespace nacre {

namespace net = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace {

/// So many attempts begin in one turn of the loop; then others have theirs.
constexpr std::size_t begins_max = 64;

/// Answers wait so long for more of them.
constexpr auto flush_interval = 1ms;

moment now() { return std::chrono::steady_clock::now(); }

/// Literal addresses only, none that depends on this machine's interfaces.
std::optional<attempt::endpoint> endpoint_of(const probe_order& x) {
  error_code ec;
  auto address = net::ip::make_address(x.ip, ec);
  if (ec || x.port == 0 || x.ip.find('%') != x.ip.npos)
    return std::nullopt;
  return attempt::endpoint(address, x.port);
}

std::shared_ptr<attempt> make_attempt(probe_loop& loop, probe_order order,
                                      const attempt::endpoint& target,
                                      std::shared_ptr<probe_batch> batch) {
  switch (order.checker->type) {
    case health_checker::kind::http:
      return std::make_shared<http_attempt>(loop, std::move(order), target, std::move(batch));
    case health_checker::kind::mysql:
      return std::make_shared<mysql_attempt>(loop, std::move(order), target, std::move(batch));
    case health_checker::kind::tcp:
    case health_checker::kind::none:
      break;
  }
  return std::make_shared<tcp_attempt>(loop, std::move(order), target, std::move(batch));
}

} // namespace

probe_loop::probe_loop(std::size_t sockets_max)
  : work_(io_.get_executor()),
    sockets_max_(std::max<std::size_t>(sockets_max, 1)),
    step_deadlines_(500ms),
    whole_deadlines_(1s) {}

void probe_loop::run() { io_.run(); }

void probe_loop::stop() {
  net::post(io_, [this] { on_stop(); });
}

void probe_loop::on_stop() {
  is_stopping_ = true;
  queue_.clear();
  while (!under_way_.empty()) {
    auto x = under_way_.front().shared_from_this();
    under_way_.pop_front();
    x->abandon();
  }
  resolver_.cancel();
  deadline_timer_.cancel();
  flush_timer_.cancel();
  work_.reset();
}

// -- orders --------------------------------------------------------------------------------------

void probe_loop::add(std::vector<probe_order> orders, const prober::listener& answers) {
  auto batch = std::make_shared<probe_batch>(probe_batch{answers, {}});
  bool is_first = false;
  {
    std::lock_guard lock(arrived_mutex_);
    is_first = arrived_.empty();
    for (auto& x : orders)
      arrived_.push_back({std::move(x), batch});
  }
  if (is_first && !orders.empty())
    net::post(io_, [this] { on_arrived(); });
}

void probe_loop::on_arrived() {
  std::vector<waiting> arrived;
  {
    std::lock_guard lock(arrived_mutex_);
    arrived.swap(arrived_);
  }
  if (is_stopping_)
    return;
  for (auto& x : arrived) {
    if (x.order.checker)
      queue_.push_back(std::move(x));
    else
      look_up(std::move(x));
  }
  pump();
}

void probe_loop::look_up(waiting x) {
  auto name = x.order.ip;
  auto take = [this, x = std::move(x)](error_code failed, const resolved_endpoints& found) {
    if (is_stopping_)
      return;
    probe_answer result;
    result.number = x.order.number;
    result.what = failed ? probe_answer::kind::failed : probe_answer::kind::ok;
    auto is_v4 = [](auto& entry) { return entry.endpoint().address().is_v4(); };
    if (auto best = std::find_if(found.begin(), found.end(), is_v4); best != found.end())
      result.address = best->endpoint().address().to_string();
    else if (!found.empty())
      result.address = found.begin()->endpoint().address().to_string();
    answer(x.batch, std::move(result));
  };
  resolve(resolver_, name, 0, std::move(take));
}

void probe_loop::do_pump() {
  if (std::exchange(will_pump_, true))
    return;
  net::post(io_, [this] {
    will_pump_ = false;
    pump();
  });
}

void probe_loop::pump() {
  for (std::size_t i = 0; i < begins_max && sockets_ < sockets_max_ && !queue_.empty(); ++i) {
    auto x = std::move(queue_.front());
    queue_.pop_front();
    begin(std::move(x));
  }
  if (sockets_ < sockets_max_ && !queue_.empty())
    do_pump();
}

void probe_loop::begin(waiting x) {
  auto target = endpoint_of(x.order);
  if (!target) {
    auto result = failed_slowest("no address");
    result.number = x.order.number;
    return answer(x.batch, std::move(result));
  }
  auto probe = make_attempt(*this, std::move(x.order), *target, std::move(x.batch));
  ++sockets_;
  under_way_.push_back(*probe);
  probe->start();
}

void probe_loop::on_finished(attempt& x, probe_answer result) {
  under_way_.erase(under_way_.iterator_to(x));
  --sockets_;
  result.number = x.order().number;
  result.took = std::chrono::duration_cast<milliseconds>(now() - x.started());
  answer(x.batch(), std::move(result));
  if (!queue_.empty())
    do_pump();
}

// -- deadlines -----------------------------------------------------------------------------------

void probe_loop::set_deadline(deadline& x, probe_wait wait) {
  (wait == probe_wait::step ? step_deadlines_ : whole_deadlines_).add(x, now());
  if (!armed_ || x.at < *armed_)
    arm_deadlines(x.at);
}

void probe_loop::arm_deadlines(moment at) {
  armed_ = at;
  deadline_timer_.expires_at(at);
  deadline_timer_.async_wait([this](error_code cancelled) {
    if (!cancelled && !is_stopping_)
      on_deadlines();
  });
}

void probe_loop::on_deadlines() {
  armed_.reset();
  auto time = now();
  for (auto list : {&step_deadlines_, &whole_deadlines_})
    while (auto x = list->take_due(time)) {
      auto keep = x->owner.shared_from_this();
      keep->on_deadline(*x);
    }
  auto step = step_deadlines_.first();
  auto whole = whole_deadlines_.first();
  if (step || whole)
    arm_deadlines(std::min(step.value_or(moment::max()), whole.value_or(moment::max())));
}

// -- answers -------------------------------------------------------------------------------------

void probe_loop::answer(const std::shared_ptr<probe_batch>& batch, probe_answer x) {
  if (batch->ready.empty())
    ready_.push_back(batch);
  batch->ready.push_back(std::move(x));
  do_flush();
}

/// At the end of this turn of the loop after a quiet time, else with all others of a millisecond.
void probe_loop::do_flush() {
  if (std::exchange(will_flush_, true))
    return;
  auto due = flushed_ + flush_interval;
  if (due <= now())
    return net::post(io_, [this] { flush(); });
  flush_timer_.expires_at(due);
  flush_timer_.async_wait([this](error_code) { flush(); });
}

void probe_loop::flush() {
  will_flush_ = false;
  if (is_stopping_)
    return;
  flushed_ = now();
  for (auto& batch : std::exchange(ready_, {}))
    batch->answers(std::exchange(batch->ready, {}));
}

} // namespace nacre
