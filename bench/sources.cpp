#include "bench/sources.hpp"

#include "bench/clock.hpp"
#include "bench/failure.hpp"

#include <algorithm>
#include <limits>

namespace nacre::bench {

namespace {

/// Every how many answers under load one is read in full.
constexpr std::size_t full_check_every = 16;

std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

} // namespace

checked_pass::checked_pass(const request_set& set, std::size_t pass)
    : set_(set),
      requests_(set.passes.at(pass)),
      sizes_(requests_.size()),
      meanings_(requests_.size()) {}

const std::string* checked_pass::next(std::size_t& ticket) {
  if (sent_ == requests_.size())
    return nullptr;
  ticket = sent_++;
  return &requests_[ticket];
}

void checked_pass::on_answer(std::size_t ticket, const timed_answer& answer) {
  sizes_[ticket] = answer.body.size();
  meanings_[ticket] = meaning_of(set_.kind, answer.body, set_.wanted);
}

std::uint64_t checked_pass::meaning() const {
  auto result = hash_of(to_word(set_.kind));
  for (const auto one : meanings_)
    result = hash_of(std::to_string(one) + ';', result);
  return result;
}

timed_load::timed_load(const request_set& set, bool is_bare, std::vector<std::size_t> sizes,
                       span times, std::size_t& cursor)
    : set_(set), is_bare_(is_bare), sizes_(std::move(sizes)), times_(times), cursor_(cursor) {
  // Growth during the measurement would show as latency.
  latencies_ns_.reserve(static_cast<std::size_t>(times.measure_s * 200'000) + 1'000);
}

const std::string* timed_load::next(std::size_t& ticket) {
  if (end_ns_ == 0) {
    last_ns_ = now_ns();
    begin_ns_ = last_ns_ + to_ns(times_.warmup_s);
    end_ns_ = begin_ns_ + to_ns(times_.measure_s);
  }
  if (last_ns_ >= end_ns_)
    return nullptr;
  const auto count = sizes_.size();
  const auto& pass = set_.passes[cursor_ / count % set_.passes.size()];
  ticket = cursor_++ % count;
  return &pass[ticket];
}

void timed_load::on_answer(std::size_t ticket, const timed_answer& answer) {
  last_ns_ = answer.done_ns;
  ++answers_;
  if (is_bare_) {
    if (answer.body.size() != sizes_[ticket])
      throw failure("the bare server sent " + std::to_string(answer.body.size()) + " bytes where " +
                    std::to_string(sizes_[ticket]) + " were asked for");
  } else if (answers_ % full_check_every == 0) {
    meaning_of(set_.kind, answer.body, set_.wanted);
  } else {
    check_shape(set_.kind, answer.body, sizes_[ticket], set_.wanted);
  }
  if (answer.done_ns < begin_ns_ || answer.done_ns >= end_ns_)
    return;
  const auto latency = std::min<std::int64_t>(answer.done_ns - answer.sent_ns,
                                              std::numeric_limits<std::uint32_t>::max());
  latencies_ns_.push_back(static_cast<std::uint32_t>(latency));
}

double timed_load::per_second() const {
  return static_cast<double>(latencies_ns_.size()) / times_.measure_s;
}

} // namespace nacre::bench
