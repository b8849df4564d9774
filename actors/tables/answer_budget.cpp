#include "actors/tables/answer_budget.hpp"

#include <algorithm>

namespace nacre {

answer_budget::share answer_budget::take(const std::string& address, std::size_t bytes) {
  std::lock_guard guard(lock_);
  auto known = by_address_.find(address);
  auto of_address = known == by_address_.end() ? 0 : known->second;
  if ((used_ > 0 && used_ + bytes > all_max_)
      || (of_address > 0 && of_address + bytes > address_max_)) {
    ++refused_;
    return {};
  }
  used_ += bytes;
  peak_ = std::max(peak_, used_);
  by_address_[address] += bytes;
  return share(this, address, bytes);
}

void answer_budget::give_back(const std::string& address, std::size_t bytes) {
  std::lock_guard guard(lock_);
  used_ -= bytes;
  auto i = by_address_.find(address);
  i->second -= bytes;
  if (i->second == 0)
    by_address_.erase(i);
}

answer_budget::figures answer_budget::now() const {
  std::lock_guard guard(lock_);
  figures x{all_max_, address_max_, used_, peak_, refused_, "", 0};
  for (auto& [address, bytes] : by_address_)
    if (bytes > x.largest_use) {
      x.largest_user = address;
      x.largest_use = bytes;
    }
  return x;
}

} // namespace nacre
