#include "actors/tables/answer_budget.hpp"

#include <algorithm>

namespace nacre {

bool answer_budget::has_room(const sums& all, const std::string& key, std::size_t bytes,
                             std::size_t max) {
  auto known = all.find(key);
  return known == all.end() || known->second + bytes <= max;
}

answer_budget::share answer_budget::take(const std::string& address, std::size_t bytes,
                                         const std::string& connection) {
  auto key = connection.empty() ? std::string() : address + ' ' + connection;
  std::lock_guard guard(lock_);
  if ((used_ > 0 && used_ + bytes > max_.all)
      || !has_room(by_address_, address, bytes, max_.address)
      || !has_room(by_connection_, key, bytes, max_.connection)) {
    ++refused_;
    return {};
  }
  used_ += bytes;
  peak_ = std::max(peak_, used_);
  by_address_[address] += bytes;
  if (!key.empty())
    by_connection_[key] += bytes;
  return share(this, address, std::move(key), bytes);
}

void answer_budget::subtract(sums& all, const std::string& key, std::size_t bytes) {
  if (auto i = all.find(key); i != all.end() && (i->second -= bytes) == 0)
    all.erase(i);
}

void answer_budget::give_back(const share& x) {
  std::lock_guard guard(lock_);
  used_ -= x.bytes_;
  subtract(by_address_, x.address_, x.bytes_);
  if (!x.connection_.empty())
    subtract(by_connection_, x.connection_, x.bytes_);
}

answer_budget::figures answer_budget::now() const {
  std::lock_guard guard(lock_);
  figures x{max_, used_, peak_, refused_, "", 0};
  for (auto& [address, bytes] : by_address_)
    if (bytes > x.largest_use) {
      x.largest_user = address;
      x.largest_use = bytes;
    }
  return x;
}

} // namespace nacre
