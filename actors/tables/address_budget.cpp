#include "actors/tables/address_budget.hpp"

#include <algorithm>

namespace nacre {

bool address_budget::has_room(const sums& all, const std::string& key, std::size_t own,
                              std::size_t more, std::size_t max) {
  auto known = all.find(key);
  return known == all.end() || known->second == own || known->second + more <= max;
}

address_budget::share address_budget::take(const std::string& address, std::size_t size,
                                           const std::string& connection) {
  share x(this, address, connection.empty() ? std::string() : address + ' ' + connection);
  if (!extend(x, size))
    x.budget_ = nullptr;
  return x;
}

bool address_budget::extend(share& x, std::size_t more) {
  std::lock_guard guard(lock_);
  if ((used_ > x.size_ && used_ + more > max_.all)
      || !has_room(by_address_, x.address_, x.size_, more, max_.address)
      || !has_room(by_connection_, x.connection_, x.size_, more, max_.connection)) {
    ++refused_;
    return false;
  }
  used_ += more;
  peak_ = std::max(peak_, used_);
  by_address_[x.address_] += more;
  if (!x.connection_.empty())
    by_connection_[x.connection_] += more;
  x.size_ += more;
  return true;
}

void address_budget::subtract(sums& all, const std::string& key, std::size_t size) {
  if (auto i = all.find(key); i != all.end() && (i->second -= size) == 0)
    all.erase(i);
}

void address_budget::give_back(const share& x) {
  std::lock_guard guard(lock_);
  used_ -= x.size_;
  subtract(by_address_, x.address_, x.size_);
  if (!x.connection_.empty())
    subtract(by_connection_, x.connection_, x.size_);
}

address_budget::figures address_budget::now() const {
  std::lock_guard guard(lock_);
  figures x{max_, used_, peak_, refused_, "", 0};
  for (auto& [address, size] : by_address_)
    if (size > x.largest_use) {
      x.largest_user = address;
      x.largest_use = size;
    }
  return x;
}

} // namespace nacre
