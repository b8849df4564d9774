#include "protocol/shared_text.hpp"

#include "protocol/keyed_hash.hpp"
#include "protocol/shared_pool.hpp"

namespace nacre {

namespace {

struct text_hash {
  std::uint64_t operator()(std::string_view x) const { return keyed_hash(x); }
};

using text_pool = shared_pool<std::string, text_hash>;

/// Never destroyed: texts may outlive everything else.
text_pool& pool() {
  static auto& x = *new text_pool;
  return x;
}

text_pool::entry* of(shared_text::entry* x) { return reinterpret_cast<text_pool::entry*>(x); }

} // namespace

shared_text::shared_text(std::string_view x) {
  if (!x.empty())
    entry_ = reinterpret_cast<entry*>(pool().acquire(std::string(x)));
}

shared_text::shared_text(const shared_text& x) : entry_(x.entry_) {
  if (entry_)
    text_pool::add_user(of(entry_));
}

void shared_text::release() { pool().release(of(entry_)); }

const std::string& shared_text::str() const {
  static const std::string none;
  return entry_ ? of(entry_)->value : none;
}

std::size_t shared_text::distinct() { return pool().size(); }

} // namespace nacre
