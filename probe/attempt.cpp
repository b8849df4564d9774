#include <utility>

#include "probe/attempt.hpp"

#include "probe/probe_loop.hpp"

namespace nacre {

attempt::attempt(probe_loop& loop, probe_order order, const endpoint& target,
                 std::shared_ptr<probe_batch> batch)
  : loop_(loop),
    order_(std::move(order)),
    target_(target),
    batch_(std::move(batch)),
    started_(std::chrono::steady_clock::now()) {}

void attempt::abandon() {
  is_done_ = true;
  phase_.unlink();
  close();
}

void attempt::finish(probe_answer x) {
  if (is_done_)
    return;
  abandon();
  loop_.on_finished(*this, std::move(x));
}

} // namespace nacre
