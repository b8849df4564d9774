#include "bench/sources.hpp"

#include "bench/failure.hpp"

#include <utility>

namespace nacre::bench {

namespace {

/// Every how many answers under load one is read in full.
constexpr std::size_t full_check_every = 16;

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
                       load_window::span times, std::size_t& cursor)
  : set_(set), is_bare_(is_bare), sizes_(std::move(sizes)), window_(times), cursor_(cursor) {}

const std::string* timed_load::next(std::size_t& ticket) {
  if (!window_.open())
    return nullptr;
  const auto count = sizes_.size();
  const auto& pass = set_.passes[cursor_ / count % set_.passes.size()];
  ticket = cursor_++ % count;
  return &pass[ticket];
}

void timed_load::on_answer(std::size_t ticket, const timed_answer& answer) {
  window_.on_answer(answer.sent_ns, answer.done_ns);
  if (is_bare_) {
    if (answer.body.size() != sizes_[ticket])
      throw failure("the bare server sent " + std::to_string(answer.body.size()) + " bytes where "
                    + std::to_string(sizes_[ticket]) + " were asked for");
  } else if (window_.answers() % full_check_every == 0) {
    meaning_of(set_.kind, answer.body, set_.wanted);
  } else {
    check_shape(set_.kind, answer.body, sizes_[ticket], set_.wanted);
  }
}

} // namespace nacre::bench
